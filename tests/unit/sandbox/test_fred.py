"""The stand-in's FRED: the recorded form, and its web page for an unknown series."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox.fred import encode, fredgraph
from sandbox.market import Market
from sandbox.provider_request import ProviderRequest
from sources.core.payload import Payload
from sources.fred import read_observation
from tests.unit.market_folder import macro_rows, write_table


def test_round_trip_is_the_recorded_file(real: Path) -> None:
    recorded = (real / "fixtures" / "fred" / "fredgraph_DTWEXBGS.csv").read_bytes()
    fetched_at = datetime(2026, 4, 14, tzinfo=UTC)
    rows = read_observation(Payload("https://fred.stlouisfed.org", {}, 200, {}, recorded, fetched_at)).rows
    assert encode("DTWEXBGS", dict(rows.select("observation_date", "value").iter_rows())) == recorded.decode()


@pytest.mark.parametrize(
    ("day", "out"),
    [
        (date(2026, 2, 5), datetime(2026, 2, 6, 22, 50)),  # Thursday, out on Friday
        (date(2026, 2, 6), datetime(2026, 2, 9, 22, 50)),  # Friday, out on Monday
    ],
)
def test_value_waits_for_the_next_business_day(tmp_path: Path, day: date, out: datetime) -> None:
    write_table(tmp_path, "macro_1d", macro_rows("ust2y", {day: 3.456}))
    market, params = Market(tmp_path), {"id": "DGS2"}
    early = fredgraph(ProviderRequest(market, out.replace(minute=49), params))
    assert bytes(early.body) == b"observation_date,DGS2\n"
    assert (
        bytes(fredgraph(ProviderRequest(market, out, params)).body) == f"observation_date,DGS2\n{day},3.46\n".encode()
    )


def test_unknown_series_is_a_web_page(tmp_path: Path) -> None:
    write_table(tmp_path, "macro_1d", [])
    answer = fredgraph(ProviderRequest(Market(tmp_path), datetime(2026, 1, 6), {"id": "GOLDAMGBD228NLBM"}))
    assert answer.status_code == 200
    assert answer.media_type == "text/html"
