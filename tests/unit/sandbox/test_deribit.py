"""Deribit as the stand-in plays it: what was recorded comes out again in the same form, and nothing of the future."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sandbox.deribit import ROUTES, book_summary, funding_rate_history, option_trades, volatility_index_data
from sandbox.provider_request import RouteHandler
from sources.core.dataset import Window
from sources.deribit import DATASETS
from tests.unit.venue_market import HOUR, asking, folder, payload, question, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
CHAIN, FUNDING, DVOL, FUTURES, TRADES = (
    BY_NAME[name] for name in ("option_chain", "funding_rate", "dvol", "future_summary", "option_trade")
)
T0 = datetime(2026, 2, 1)
OPTION = {"currency": "BTC", "kind": "option"}


def asked(handler: RouteHandler, market: Path, clock: datetime, **params: str) -> Any:
    return json.loads(bytes(handler(question(market, clock, **params)).body))


def forms(rows: Iterable[dict[str, object]]) -> dict[str, set[str]]:
    """The kinds of value that each name has in any row."""
    kinds: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            kinds.setdefault(name, set()).add(type(value).__name__)
    return kinds


def chain_row(at: datetime, name: str = "BTC-27FEB26-60000-P", index: float = 65e3) -> tuple[object, ...]:
    expiry = datetime(2026, 2, 27, 8)
    return (at, name, expiry, 60000.0, "P", 65e3, index, 0.03, 0.029, None, 70.0, 5.5, 2.0)


def test_a_recorded_chain_comes_out_in_the_same_form(real: Path, tmp_path: Path) -> None:
    recording = real / "fixtures/deribit/get_book_summary_by_currency_option_BTC_20260805.json"
    sent = json.loads(recording.read_bytes())
    decoded = CHAIN.read(payload(sent)).rows
    table = decoded.select(
        "snapshot_time", "instrument_name", expiry="expiry_time", strike="strike_usd", option_type="option_type",
        underlying_price="underlying_price_usd", index_price="index_price_usd", mark_price_btc="mark_price_btc",
        bid_price_btc="bid_price_btc", ask_price_btc="ask_price_btc", mark_iv="mark_iv_pct",
        open_interest_btc="open_interest_btc", volume_btc="volume_btc",
    )  # fmt: skip
    market = folder(tmp_path / "market", {"option_chain": table})
    clock = decoded["snapshot_time"][0] + HOUR
    encoded = asked(book_summary, market, clock, **OPTION)
    assert encoded.keys() == sent.keys()
    recorded, ours = forms(sent["result"]), forms(encoded["result"])
    assert ours.keys() == recorded.keys()
    for name, kinds in ours.items():
        assert kinds <= recorded[name], name
    again = CHAIN.read(payload(encoded)).rows
    assert again.sort("instrument_name").equals(decoded.sort("instrument_name"))


def test_the_recorded_perpetual_comes_out_in_the_same_form(real: Path, tmp_path: Path) -> None:
    recording = real / "fixtures/deribit/get_book_summary_by_currency_future_BTC_20260920.json"
    sent = [row for row in json.loads(recording.read_bytes()) if row["instrument_name"] == "BTC-PERPETUAL"]
    [row] = FUTURES.read(payload({"result": sent})).rows.iter_rows(named=True)
    told = [("deribit", row["snapshot_time"], row["open_interest_btc"], row["open_interest_usd"])]
    market = folder(tmp_path / "market", {"open_interest": told})
    encoded = asked(book_summary, market, row["snapshot_time"] + HOUR, currency="BTC", kind="future")
    [ours], [theirs] = encoded["result"], sent
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():  # what the tables do not know is null, as it is where nothing traded
        assert value is None or isinstance(value, str if isinstance(theirs[name], str) else int | float), name
    [again] = FUTURES.read(payload(encoded)).rows.iter_rows(named=True)
    for name in ("open_interest_btc", "open_interest_usd", "mark_price_usd"):
        assert again[name] == pytest.approx(row[name]), name


def test_trades_are_an_empty_page(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": []})
    assert TRADES.read(payload(asked(option_trades, market, T0))).rows.is_empty()


def test_recorded_funding_comes_out_in_the_same_form(real: Path, tmp_path: Path) -> None:
    sent = json.loads((real / "fixtures/deribit/get_funding_rate_history_BTC-PERPETUAL.json").read_bytes())
    decoded = FUNDING.read(payload({"result": sent})).rows
    funding = decoded.select(
        venue=pl.lit("deribit"), funding_time="funding_time", rate="funding_rate", interval_hours=pl.lit(1, pl.Int32)
    )
    index = [("coinbase", "spot", time - HOUR, 80e3, 80e3, 80e3, 80e3, 1.0, None) for time in decoded["funding_time"]]
    market = folder(tmp_path / "market", {"funding": funding, "price_1h": index})
    encoded = asked(
        funding_rate_history, market, decoded["funding_time"][-1], instrument_name="BTC-PERPETUAL",
        start_timestamp=str(sent[1]["timestamp"]), end_timestamp=str(sent[-1]["timestamp"]),
    )  # fmt: skip
    assert forms(encoded["result"]) == forms(sent)
    assert [row["interest_1h"] for row in encoded["result"]] == [row["interest_1h"] for row in sent[1:]]
    # The venue's own eight hours, less its rounding, once eight hours have been seen.
    for ours, theirs in zip(encoded["result"][7:], sent[8:], strict=True):
        assert ours["interest_8h"] == pytest.approx(theirs["interest_8h"], rel=0.01)


def test_recorded_dvol_comes_out_in_the_same_form(real: Path, tmp_path: Path) -> None:
    sent = json.loads((real / "fixtures/deribit/get_volatility_index_data_BTC_43200.json").read_bytes())
    decoded = DVOL.read(payload({"result": sent}, fetched_at=datetime(2026, 9, 21, tzinfo=UTC))).rows
    hours = decoded.rename(lambda name: name.removesuffix("_pct").replace("open_time", "time"))
    market = folder(tmp_path / "market", {"dvol_1h": hours})
    clock = decoded["open_time"][-1] + HOUR
    assert asked(volatility_index_data, market, clock, currency="BTC", resolution="3600")["result"] == sent


def test_the_chain_is_the_newest_one_at_the_clock(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"option_chain": [chain_row(T0), chain_row(T0 + 6 * HOUR)]})
    first = asked(book_summary, market, T0 + 6 * HOUR - timedelta(seconds=1), **OPTION)
    assert [row["creation_timestamp"] for row in first["result"]] == [int(T0.replace(tzinfo=UTC).timestamp() * 1000)]
    assert first["result"][0]["mid_price"] is None
    assert asked(book_summary, market, T0 - HOUR, **OPTION)["result"] == []
    assert asked(book_summary, market, T0, currency="BTC", kind="future")["result"] == []


def test_one_snapshot_is_the_same_bytes_whenever_it_is_asked_for(tmp_path: Path) -> None:
    market = question(folder(tmp_path / "market", {"option_chain": [chain_row(T0)]}), T0, **OPTION)
    later = type(market)(market.market, T0 + 5 * HOUR, market.params)
    assert book_summary(market).body == book_summary(later).body


def test_two_folders_are_never_mixed_up(tmp_path: Path) -> None:
    for index in (64e3, 66e3):
        market = folder(tmp_path / str(index), {"option_chain": [chain_row(T0, index=index)]})
        assert asked(book_summary, market, T0, **OPTION)["result"][0]["estimated_delivery_price"] == index


def test_the_error_has_the_recorded_form(real: Path, tmp_path: Path) -> None:
    recorded = json.loads((real / "fixtures/errors/deribit_invalid_params.json").read_bytes())
    market = folder(tmp_path / "market", {"dvol_1h": [(T0, 50.0, 51.0, 49.0, 50.0)]})
    refused = book_summary(question(market, T0, currency="DOGE", kind="option"))
    error = json.loads(bytes(refused.body))
    assert refused.status_code == 400
    assert error["error"] == recorded["error"]
    assert error.keys() == recorded.keys()


@pytest.mark.parametrize(
    ("handler", "params"),
    [
        (funding_rate_history, {"instrument_name": "ETH-PERPETUAL"}),
        (volatility_index_data, {"currency": "ETH", "resolution": "3600"}),
        (volatility_index_data, {"currency": "BTC", "resolution": "7"}),
    ],
)
def test_unknown_parameters_are_refused(handler: RouteHandler, params: dict[str, str], tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"dvol_1h": [(T0, 50.0, 51.0, 49.0, 50.0)]})
    assert handler(question(market, T0, **params)).status_code == 400


def test_no_funding_and_no_running_hour_from_the_future(tmp_path: Path) -> None:
    hours = [T0 + i * HOUR for i in range(5)]
    tables = {
        "funding": [("deribit", hour, 1e-5, 1) for hour in hours],
        "dvol_1h": [(hour, 50.0, 51.0, 49.0, 50.0) for hour in hours],
    }
    market, clock = folder(tmp_path / "market", tables), T0 + 2 * HOUR + timedelta(minutes=20)
    assert len(asked(funding_rate_history, market, clock, instrument_name="BTC-PERPETUAL")["result"]) == 3
    assert len(asked(volatility_index_data, market, clock, currency="BTC", resolution="3600")["result"]["data"]) == 2


def test_real_chains_come_back_as_they_were_over_http(real: Path) -> None:
    history = pl.read_parquet(real / "market/option_chain.parquet").with_columns(
        pl.col("snapshot_time", "expiry").dt.replace_time_zone(None)
    )
    for at in history["snapshot_time"].unique().sort().gather([0, 90, 188]):
        kept = history.filter(pl.col("snapshot_time") == at).sort("instrument_name")
        clock = at + timedelta(minutes=1)
        with asking(CHAIN, real / "market", clock, ROUTES) as (session, _):
            rows = rows_of(CHAIN, session, Window.of_dates(at.date(), at.date())).sort("instrument_name")
        assert set(rows["snapshot_time"]) == {at.replace(microsecond=0)}
        assert rows["instrument_name"].equals(kept["instrument_name"])
        for ours, theirs in (
            ("expiry_time", "expiry"), ("strike_usd", "strike"), ("mark_iv_pct", "mark_iv"),
            ("underlying_price_usd", "underlying_price"), ("index_price_usd", "index_price"),
            ("bid_price_btc", "bid_price_btc"), ("open_interest_btc", "open_interest_btc"),
        ):  # fmt: skip
            assert rows[ours].equals(kept[theirs]), (at, ours)
