"""The stand-in's Cboe: the recorded form."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from sandbox.cboe import vix_history
from sandbox.market import Market
from sandbox.provider_request import ProviderRequest
from sources.cboe import read_vix
from sources.core.payload import Payload
from tests.unit.market_folder import write_table


def test_round_trip_is_the_recorded_file(real: Path, tmp_path: Path) -> None:
    recorded = (real / "fixtures" / "cboe" / "VIX_History_to_2022-12-30.csv").read_text()
    fetched_at = datetime(2023, 1, 2, tzinfo=UTC)
    rows = read_vix(Payload("https://cdn.cboe.com", {}, 200, {}, recorded.encode(), fetched_at)).rows
    bars = rows.rename({"trade_date": "date"}).with_columns(pl.lit("vix").alias("series"))
    write_table(tmp_path, "macro_1d", bars.to_dicts())
    answer = bytes(vix_history(ProviderRequest(Market(tmp_path), datetime(2023, 1, 2))).body).decode()
    header, *lines = recorded.splitlines()
    since_bitcoin = [line for line in lines if line[6:10] >= "2009" and line[:10] != "01/02/2009"]
    assert answer.splitlines() == [header, *since_bitcoin]
