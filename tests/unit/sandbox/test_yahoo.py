"""The stand-in's Yahoo: the recorded form of a chart."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sandbox.market import Market
from sandbox.provider_request import ProviderRequest
from sandbox.yahoo import chart, encode
from sources.core.payload import Payload
from sources.yahoo import read_daily_bar
from tests.unit.market_folder import write_table

# Fields of the recording about a share's past year and its company, which an index lacks and nobody reads.
ABOUT_SHARES = {
    "events", "longName", "shortName", "fulldayPrice", "fulldayChange", "fulldayChangePercent", "fiftyTwoWeekHigh",
    "fiftyTwoWeekLow", "regularMarketChangePercent", "regularMarketDayHigh", "regularMarketDayLow",
    "regularMarketVolume",
}  # fmt: skip


def shape(content: Any) -> Any:
    """Names and types only; a list as the shape of its first item."""
    if isinstance(content, dict):
        return {name: shape(value) for name, value in sorted(content.items()) if name not in ABOUT_SHARES}
    if isinstance(content, list):
        return [shape(content[0])] if content else []
    return type(content).__name__


def test_round_trip_has_the_recorded_form_and_prices(real: Path) -> None:
    recorded = (real / "fixtures" / "yahoo" / "v8_chart_FPT.VN_1d.json").read_bytes()
    fetched_at = datetime(2026, 9, 26, tzinfo=UTC)
    rows = read_daily_bar(Payload("https://query1.finance.yahoo.com", {}, 200, {}, recorded, fetched_at)).rows
    bars = [(day, prices) for _, day, *prices in rows.iter_rows()]
    ours, theirs = encode("FPT.VN", bars, date(2026, 9, 25)), json.loads(recorded)
    assert shape(ours) == shape(theirs)
    quotes = [content["chart"]["result"][0]["indicators"]["quote"][0] for content in (ours, theirs)]
    for price in ("open", "high", "low", "close"):
        assert quotes[0][price] == pytest.approx(quotes[1][price], rel=1e-7)
        assert quotes[0][price] == [float(np.float32(value)) for value in quotes[0][price]]


@pytest.mark.parametrize(
    ("clock", "offset", "close_hour"),
    [(datetime(2026, 2, 6, 12), -18_000, 21), (datetime(2026, 7, 6, 12), -14_400, 20)],
)
def test_session_follows_new_york_time(tmp_path: Path, clock: datetime, offset: int, close_hour: int) -> None:
    write_table(tmp_path, "macro_1d", [])
    answer = chart(ProviderRequest(Market(tmp_path), clock, {}, {"symbol": "^GSPC"}))
    result = json.loads(bytes(answer.body))["chart"]["result"][0]
    assert "timestamp" not in result
    assert result["meta"]["gmtoffset"] == offset
    end = datetime.fromtimestamp(result["meta"]["currentTradingPeriod"]["regular"]["end"], UTC)
    assert end.replace(tzinfo=None) == clock.replace(hour=close_hour)


def test_unknown_symbol_has_yahoos_error(tmp_path: Path) -> None:
    write_table(tmp_path, "macro_1d", [])
    answer = chart(ProviderRequest(Market(tmp_path), datetime(2026, 2, 6), {}, {"symbol": "^IRX2"}))
    assert answer.status_code == 404
    assert json.loads(bytes(answer.body))["chart"]["error"]["code"] == "Not Found"
