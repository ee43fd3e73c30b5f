"""The tool `forecast` of the server for assistants: logged chances, in the words of the board, in both languages."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from reporting.assistant import server
from reporting.forecast_words import lines
from reporting.localization import Words
from reporting.published import open_published
from tests.unit.reporting import forecasts
from tests.unit.reporting.warehouses import DAY, publish


def ask(published: Path, **arguments: Any) -> Any:
    """The answer of the server, spoken to in its own protocol."""

    async def talk() -> Any:
        async with Client(server(published)) as client:
            return await client.call_tool("forecast", arguments)

    return asyncio.run(talk())


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = publish(tmp_path_factory.mktemp("assistant") / "leadline.duckdb")
    forecasts.say(file, {DAY - timedelta(days=1): 0.46, DAY: 0.52})
    return file


def test_the_newest_forecast_has_its_chances_and_where_they_come_from(published: Path) -> None:
    said = ask(published).structured_content
    assert (said["signal_date"], said["is_simulated"]) == (DAY.isoformat(), True)
    [horizon] = said["forecast"]["horizons"]
    assert (horizon["horizon_days"], horizon["origin"], horizon["method"]) == (21, "live", forecasts.METHOD)
    assert horizon["target_date"] == (DAY + timedelta(days=21)).isoformat()
    [level] = horizon["chances"]
    assert (level["strike_usd"], level["role"]) == (70_000, "level")
    assert level["prob_close_below"] == pytest.approx(0.52)


def test_an_earlier_day_gets_what_was_said_then(published: Path) -> None:
    said = ask(published, day=(DAY - timedelta(days=1)).isoformat()).structured_content
    assert said["forecast"]["horizons"][0]["chances"][0]["prob_close_below"] == pytest.approx(0.46)


@pytest.mark.parametrize(
    ("language", "chance"),
    [("en", "52 in 100: closes below it on 27 February 2026"), ("zh", "100 次中约 52 次")],
)
def test_it_is_said_in_the_words_of_the_board(published: Path, language: str, chance: str) -> None:
    answer = ask(published, language=language).structured_content
    text = "\n".join(answer["says"])
    with open_published(published) as warehouse:
        assert answer["says"] == lines(Words(language), warehouse.board().forecast)
    assert chance in text


def test_a_language_that_is_not_there_is_refused_by_name(published: Path) -> None:
    answer = ask(published, language="fr")
    assert answer.is_error
    assert "language" in answer.content[0].text


def test_a_date_without_a_forecast_says_so_in_words(tmp_path: Path) -> None:
    said = ask(publish(tmp_path / "leadline.duckdb")).structured_content
    assert said["forecast"] is None
    assert said["says"] == [Words("en").say("forecast", "too_short")]
