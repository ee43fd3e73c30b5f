"""What is news, and that it is told once: over real HTTP, after crashes, and from two processes at a time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from reporting.alerts import Alert, changes, failed_publish, stale
from reporting.outbox import AlertError, Outbox
from reporting.published import open_published
from tests.unit.reporting import forecasts
from tests.unit.reporting.receiver import Webhook, webhook
from tests.unit.reporting.warehouses import DAY, publish

FLIP = Alert("bucket:2026-02-06:flows:bear", "flows bear", "Flows: neutral → bear.")
OTHER = Alert("regime:2026-02-06:relief_rally", "Relief rally", "Relief rally after capitulation.")


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as listening:
        yield listening


def of(published: Path) -> list[Alert]:
    with open_published(published) as warehouse:
        return changes(warehouse)


def yesterdays_buckets(published: Path, **states: str) -> None:
    with duckdb.connect(str(published)) as connection:
        for bucket, state in states.items():
            connection.execute(
                "insert into marts.fct_bucket_daily by name "
                "select * replace (signal_date - 1 as signal_date, $state as state) from marts.fct_bucket_daily "
                "where bucket = $bucket",
                {"state": state, "bucket": bucket},
            )


def test_a_new_regime_is_news_with_what_it_means_and_why(tmp_path: Path) -> None:
    [event] = of(publish(tmp_path / "leadline.duckdb"))
    assert event.event_id == "regime:2026-02-06:relief_rally"
    assert event.title == "6 February 2026: Relief rally"
    assert event.text.startswith("SIMULATED. Tested: back inside")
    assert "Next condition: S1" in event.text
    assert event.text.endswith("Why: rebound after the fall of 2026-02-05")


def test_a_flip_is_news_and_a_state_that_stays_is_none(tmp_path: Path) -> None:
    published = publish(tmp_path / "leadline.duckdb")
    yesterdays_buckets(published, flows="neutral", options="bear")
    _, flip = of(published)
    assert flip.event_id == "bucket:2026-02-06:flows:bear"
    assert "neutral → bear" in flip.text.lower()
    assert "evidence of flows" in flip.text
    assert "Waiting for the ETF figure" in flip.text


def test_the_same_regime_on_two_days_is_no_news(tmp_path: Path) -> None:
    published = publish(tmp_path / "leadline.duckdb")
    with duckdb.connect(str(published)) as connection:
        connection.execute("update marts.fct_regime_daily set regime = 'relief_rally' where signal_date = ?", [DAY])
        connection.execute(
            "update marts.fct_regime_daily set regime = 'relief_rally' where signal_date = ?", [DAY - timedelta(1)]
        )
    assert of(published) == []


def forecast_news(published: Path) -> list[Alert]:
    return [event for event in of(published) if event.event_id.startswith("forecast:")]


def test_a_chance_that_crosses_a_line_is_news_with_both_chances(tmp_path: Path) -> None:
    published = publish(tmp_path / "leadline.duckdb")
    forecasts.say(published, {DAY - timedelta(1): 0.46, DAY: 0.52})
    [event] = forecast_news(published)
    assert event.event_id == "forecast:2026-02-06:21:50:up"
    assert event.title == "6 February 2026: 21 days, 50 in 100"
    assert event.text == (
        "SIMULATED. The chance of a close below 70\u202f000 USD in 21 days rose over 50 in 100: 52 in 100, 46 in 100 "
        "the day before."
    )
    assert forecast_news(published) == [event]


def test_every_line_that_is_crossed_downwards_is_news_of_its_own(tmp_path: Path) -> None:
    published = publish(tmp_path / "leadline.duckdb")
    forecasts.say(published, {DAY - timedelta(1): 0.55, DAY: 0.2})
    assert [event.event_id for event in forecast_news(published)] == [
        "forecast:2026-02-06:21:25:down",
        "forecast:2026-02-06:21:50:down",
    ]
    assert all("fell under" in event.text for event in forecast_news(published))


@pytest.mark.parametrize("then", [0.53, 0.74])
def test_a_chance_that_stays_between_two_lines_is_no_news(tmp_path: Path, then: float) -> None:
    published = publish(tmp_path / "leadline.duckdb")
    forecasts.say(published, {DAY - timedelta(1): then, DAY: 0.6})
    assert forecast_news(published) == []


def test_the_chance_of_another_level_or_after_a_day_without_one_is_no_news(tmp_path: Path) -> None:
    moved, missing = publish(tmp_path / "moved.duckdb"), publish(tmp_path / "missing.duckdb")
    forecasts.say(moved, {DAY - timedelta(1): 0.46}, level_usd=69_000)
    forecasts.say(moved, {DAY: 0.52})
    forecasts.say(missing, {DAY: 0.52})
    assert forecast_news(moved) == []
    assert forecast_news(missing) == []


def test_a_first_day_is_no_news(tmp_path: Path) -> None:
    published = publish(tmp_path / "leadline.duckdb")
    with duckdb.connect(str(published)) as connection:
        connection.execute("delete from marts.fct_regime_daily where signal_date < ?", [DAY])
    assert of(published) == []


def test_all_news_of_a_run_is_one_message_sent_once(tmp_path: Path, hook: Webhook) -> None:
    outbox = Outbox(tmp_path / "alerts.jsonl", hook.address)
    assert outbox.send([OTHER, FLIP]).arrived
    assert outbox.send([OTHER, FLIP]).arrived is None
    [message] = hook.received
    assert message["title"] == "Leadline: Relief rally (and 1 more)"
    assert message["message"] == f"{OTHER.text}\n\n{FLIP.text}"


def test_a_restart_tells_only_what_is_new(tmp_path: Path, hook: Webhook) -> None:
    Outbox(tmp_path / "alerts.jsonl", hook.address).send([OTHER])
    delivery = Outbox(tmp_path / "alerts.jsonl", hook.address).send([OTHER, FLIP])
    assert list(delivery.new) == [FLIP]
    assert [message["message"] for message in hook.received] == [OTHER.text, FLIP.text]


def test_a_refused_message_is_tried_again(tmp_path: Path, hook: Webhook) -> None:
    outbox = Outbox(tmp_path / "alerts.jsonl", hook.address)
    hook.status = 500
    assert outbox.send([FLIP]).arrived is False
    hook.status = 200
    assert outbox.send([FLIP]).arrived is True
    assert len(hook.received) == 1


def test_a_message_of_unknown_fate_is_not_sent_again(tmp_path: Path, hook: Webhook) -> None:
    # A crash between sending and writing it down: it may have arrived.
    journal = tmp_path / "alerts.jsonl"
    Outbox(journal, hook.address).send([FLIP])
    sending, _ = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    journal.write_text(sending + '{"event_id": "bucket:2026', encoding="utf-8")
    assert Outbox(journal, hook.address).send([FLIP]).arrived is None
    assert len(hook.received) == 1


def test_two_runs_at_once_tell_it_once(tmp_path: Path, hook: Webhook) -> None:
    boxes = [Outbox(tmp_path / "alerts.jsonl", hook.address) for _ in range(4)]
    with ThreadPoolExecutor(len(boxes)) as pool:
        arrived = [delivery.arrived for delivery in pool.map(lambda outbox: outbox.send([OTHER, FLIP]), boxes)]
    assert sorted(arrived, key=str) == [None, None, None, True]
    assert len(hook.received) == 1


def test_a_dataset_is_stale_once_for_each_observation_it_stops_at() -> None:
    first = stale("farside.etf_flow", "2026-02-05", "old")
    assert first.event_id == stale("farside.etf_flow", "2026-02-05", "older still").event_id
    assert first.event_id != stale("farside.etf_flow", "2026-02-06", "old").event_id
    assert failed_publish("a", "x").event_id != failed_publish("b", "x").event_id


def test_an_address_of_no_known_service_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(AlertError, match="apprise") as refused:
        Outbox(tmp_path / "alerts.jsonl", "nonsense://s3cr3t-token@host").send([FLIP])
    assert "s3cr3t" not in str(refused.value)
    assert not (tmp_path / "alerts.jsonl").read_text(encoding="utf-8")
