"""Deribit: recorded chains, funding and DVOL read to the row; the test net refused; DVOL followed backwards."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import deribit as stand_in
from sandbox.provider_request import json_answer
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.deribit import DATASETS, check
from tests.unit.venue_market import HOUR, asking, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
CHAIN, FUNDING, DVOL = (BY_NAME[name] for name in ("option_chain", "funding_rate", "dvol"))
T0 = datetime(2026, 1, 1)


def enveloped(result: object, **changed: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "result": result, "usIn": 1, "usOut": 2, "usDiff": 1, "testnet": False} | changed


def option(name: str = "BTC-27MAR26-60000-P", at: datetime = datetime(2026, 2, 6, 17, 50), **changed: object) -> object:
    return {
        "instrument_name": name,
        "underlying_price": 65000.5,
        "underlying_index": "BTC-27MAR26",
        "bid_price": 0.03,
        "ask_price": 0.031,
        "mark_price": 0.0305,
        "mark_iv": 70.25,
        "open_interest": 10.5,
        "volume": 1.0,
        "creation_timestamp": int(at.replace(tzinfo=UTC).timestamp() * 1000) + 123,
        "estimated_delivery_price": 64900.25,
    } | changed


def test_a_recorded_chain_is_read_to_the_row(real: Path) -> None:
    body = (real / "fixtures/deribit/get_book_summary_by_currency_option_BTC_20260805.json").read_bytes()
    parsed = CHAIN.read(payload(body))
    assert parsed.rejects == ()
    assert parsed.rows.schema == CHAIN.schema
    assert parsed.rows.height == 24
    assert parsed.rows.row(0) == (
        datetime(2026, 8, 5, 6, 4, 43),
        "BTC-25DEC26-64000-C",
        datetime(2026, 12, 25, 8),
        64000.0,
        "C",
        65400.34,
        "BTC-25DEC26",
        64294.85,
        0.10830458,
        0.1075,
        0.109,
        39.59,
        420.0,
        0.0,
    )
    sent = json.loads(body)["result"]
    assert parsed.rows["bid_price_btc"].null_count() == sum(row["bid_price"] is None for row in sent)
    newest = max(row["creation_timestamp"] for row in sent) // 1000
    assert set(parsed.rows["snapshot_time"]) == {datetime.fromtimestamp(newest, UTC).replace(tzinfo=None)}


def test_a_whole_chain_of_a_thousand_options_is_read_to_the_row(real: Path) -> None:
    name = "get_book_summary_by_currency_option_BTC_20260822_rebuilt.json"
    parsed = CHAIN.read(payload((real / "fixtures/deribit" / name).read_bytes()))
    assert parsed.rejects == ()
    assert parsed.rows.height == 1038
    assert parsed.rows["expiry_time"].n_unique() == 12
    assert parsed.rows["bid_price_btc"].null_count() == 57
    with (real / "fixtures/deribit/options_chain_snapshot_20260822T153351Z.csv").open() as file:
        collected = {row["instrument_name"]: row for row in csv.DictReader(file) if row["currency"] == "BTC"}
    for row in parsed.rows.iter_rows(named=True):
        beside = collected[row["instrument_name"]]
        assert row["strike_usd"] == float(beside["strike"])
        assert row["option_type"] == beside["option_type"][0].upper()
        assert row["expiry_time"].replace(tzinfo=UTC) == datetime.fromisoformat(beside["expiry_datetime"])
        assert row["mark_iv_pct"] / 100 == pytest.approx(float(beside["implied_volatility"]))


def test_a_day_without_leading_zero_and_a_synthetic_forward_are_kept_as_sent() -> None:
    sent = enveloped([option("BTC-7FEB26-6500-C", underlying_index="SYN.BTC-7FEB26", bid_price=None, ask_price=None)])
    row = CHAIN.read(payload(sent)).rows.row(0, named=True)
    assert row["expiry_time"] == datetime(2026, 2, 7, 8)
    assert row["underlying_index"] == "SYN.BTC-7FEB26"
    assert row["strike_usd"] == 6500.0
    assert (row["bid_price_btc"], row["ask_price_btc"]) == (None, None)


def test_the_newest_row_dates_the_snapshot_to_the_second() -> None:
    at = datetime(2026, 2, 6, 17, 50)
    sent = [option(at=at), option("BTC-27MAR26-70000-P", at + timedelta(seconds=2)), option("BTC-27MAR26-80000-P", at)]
    assert set(CHAIN.read(payload(enveloped(sent))).rows["snapshot_time"]) == {at + timedelta(seconds=2)}


def test_an_option_that_has_expired_is_no_longer_open() -> None:
    after_settlement = datetime(2026, 2, 6, 8, 0, 1)
    sent = [option("BTC-6FEB26-60000-P", after_settlement), option("BTC-7FEB26-60000-P", after_settlement)]
    parsed = CHAIN.read(payload(enveloped(sent)))
    assert parsed.rows["instrument_name"].to_list() == ["BTC-7FEB26-60000-P"]
    assert parsed.rejects == ()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (option("ETH-27MAR26-6000-P"), "expiry_time: no value"),
        (option("BTC-31FEB26-60000-P"), "expiry_time: no value"),
        (option("BTC-PERPETUAL"), "expiry_time: no value"),
        (option(mark_iv=None), "mark_iv_pct: no value"),
        (option(mark_iv=-1.0), "mark_iv_pct"),
        (option(mark_price=float("nan")), "mark_price_btc"),
        (option(open_interest=-0.1), "open_interest_btc"),
        (option(underlying_price=0.0), "underlying_price_usd"),
        (option(bid_price="1,5"), "bid_price_btc"),
        ("BTC-27MAR26-60000-P", "underlying_price_usd: no value"),
        (None, "instrument_name: no value"),
    ],
)
def test_an_option_that_cannot_be_believed_is_refused_and_the_others_load(bad: object, reason: str) -> None:
    parsed = CHAIN.read(payload(enveloped([option("BTC-27MAR26-99000-C"), bad])))
    assert parsed.rows["instrument_name"].to_list() == ["BTC-27MAR26-99000-C"]
    assert len(parsed.rejects) == 1
    assert reason in parsed.rejects[0].reason


def test_a_field_given_twice_refuses_that_option_only() -> None:
    body = json.dumps(enveloped([option("BTC-27MAR26-99000-C"), option()])).encode()
    twice = body.replace(
        b'"instrument_name": "BTC-27MAR26-60000-P"', b'"mark_iv": 1.0, "instrument_name": "BTC-27MAR26-60000-P"'
    )
    parsed = CHAIN.read(payload(twice))
    assert parsed.rows["instrument_name"].to_list() == ["BTC-27MAR26-99000-C"]
    assert len(parsed.rejects) == 1


def test_recorded_funding_is_the_share_of_the_hour(real: Path) -> None:
    rows = json.loads((real / "fixtures/deribit/get_funding_rate_history_BTC-PERPETUAL.json").read_bytes())
    parsed = FUNDING.read(payload(enveloped(rows), fetched_at=datetime(2026, 9, 21, tzinfo=UTC)))
    assert parsed.rejects == ()
    assert parsed.rows.schema == FUNDING.schema
    assert parsed.rows.height == 24
    assert parsed.rows.row(0) == ("BTC-PERPETUAL", datetime(2026, 9, 19, 22), 2.517506579644087e-05, 1.0)


def test_recorded_dvol_is_in_percent_points(real: Path) -> None:
    result = json.loads((real / "fixtures/deribit/get_volatility_index_data_BTC_43200.json").read_bytes())
    parsed = DVOL.read(payload(enveloped(result), fetched_at=datetime(2026, 9, 21, tzinfo=UTC)))
    assert parsed.rejects == ()
    assert parsed.rows.schema == DVOL.schema
    assert parsed.rows.height == 15
    assert parsed.rows.row(0) == (datetime(2026, 9, 13, 12), 38.62, 38.92, 37.79, 38.89)
    # The open of this bar is not the close of the one before.
    assert parsed.rows.row(3) == (datetime(2026, 9, 15), 39.13, 40.17, 38.89, 39.76)


def test_the_running_hour_of_dvol_is_left_out() -> None:
    bars = [[1767225600000 + hour * 3_600_000, 50.0, 51.0, 49.0, 50.5] for hour in range(3)]
    now = datetime(2026, 1, 1, 2, 59, tzinfo=UTC)
    parsed = DVOL.read(payload(enveloped({"data": bars, "continuation": None}), fetched_at=now))
    assert parsed.rows["open_time"].to_list() == [T0, T0 + HOUR]
    assert parsed.rejects == ()


@pytest.mark.parametrize("bad", [[1767225600000, 50.0, 51.0], "bar", [1767225600, 50.0, 51.0, 49.0, 50.0], [None] * 5])
def test_a_bar_that_cannot_be_believed_is_refused(bad: object) -> None:
    good = [1767225600000, 50.0, 51.0, 49.0, 50.5]
    parsed = DVOL.read(payload(enveloped({"data": [good, bad], "continuation": None})))
    assert parsed.rows.height == 1
    assert len(parsed.rejects) == 1


@pytest.mark.parametrize(
    ("name", "result"), [("option_chain", []), ("funding_rate", []), ("dvol", {"data": [], "continuation": None})]
)
def test_an_empty_answer_has_no_rows_and_the_declared_columns(name: str, result: object) -> None:
    parsed = BY_NAME[name].read(payload(enveloped(result)))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == BY_NAME[name].schema


@pytest.mark.parametrize("name", sorted(BY_NAME))
@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (enveloped([option()], testnet=True), Failure.NOT_DATA),
        (b'{"jsonrpc":"2.0","result":[{"instr', Failure.NOT_DATA),
        (b"", Failure.NOT_DATA),
        (b"null", Failure.NO_DATA),
        (b"<html><body>Maintenance</body></html>", Failure.BLOCKED),
        ({"jsonrpc": "2.0"}, Failure.CHANGED_LAYOUT),
        (enveloped("soon"), Failure.CHANGED_LAYOUT),
        ([1, 2], Failure.CHANGED_LAYOUT),
    ],
)
def test_what_is_no_answer_is_refused_as_a_whole(name: str, content: object, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(content))
    assert caught.value.failure is failure


def test_the_recorded_test_net_is_refused(real: Path) -> None:
    body = (real / "fixtures/deribit/get_book_summary_by_instrument_BTC-PERPETUAL_testnet.json").read_bytes()
    with pytest.raises(SourceError, match="test net") as caught:
        CHAIN.read(payload(body))
    assert caught.value.failure is Failure.NOT_DATA


def test_the_recorded_error_names_the_parameter(real: Path) -> None:
    body = (real / "fixtures/errors/deribit_invalid_params.json").read_bytes()
    with pytest.raises(SourceError, match="currency: invalid currency") as caught:
        check(payload(body, status=400))
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("code", "failure"),
    [(10028, Failure.THROTTLED), (10041, Failure.OUTAGE), (11051, Failure.OUTAGE), (11050, Failure.REFUSED)],
)
def test_error_codes_say_what_to_do(code: int, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        check(payload({"jsonrpc": "2.0", "error": {"message": "as_it_says", "code": code}}, status=400))
    assert caught.value.failure is failure
    assert "as_it_says" in caught.value.what


@pytest.mark.parametrize("field", ["mark_iv", "instrument_name", "open_interest"])
def test_a_renamed_field_is_a_changed_layout_and_never_a_column_of_nulls(field: str) -> None:
    renamed = {f"{name}_new" if name == field else name: value for name, value in option().items()}
    with pytest.raises(SourceError, match=f"missing {field}; new: .*{field}_new") as caught:
        CHAIN.read(payload(enveloped([renamed])))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_a_chain_without_times_is_a_changed_layout() -> None:
    parsed = CHAIN.read(payload(enveloped([option(creation_timestamp="noon")])))
    assert parsed.rows.is_empty()
    assert "snapshot_time" in parsed.rejects[0].reason


def test_the_chain_is_asked_for_as_of_now(tmp_path: Path) -> None:
    at = datetime(2026, 2, 6, 17, 50, 1)
    row = ("BTC-27FEB26-60000-P", datetime(2026, 2, 27, 8), 60000.0, "P", 65e3, 65e3, 0.03, None, 0.031, 70.0, 5.5, 0.0)
    chains = [(at, *row), (at + 6 * HOUR, *row)]
    market = folder(tmp_path / "market", {"option_chain": chains})
    with asking(CHAIN, market, at + HOUR, stand_in.ROUTES) as (session, server):
        rows = rows_of(CHAIN, session, Window.of_dates(T0.date(), T0.date()))
    assert rows["snapshot_time"].to_list() == [at]
    assert rows["underlying_index"].to_list() == ["BTC-27FEB26"]
    assert server.requests[0].params == {"currency": "BTC", "kind": "option"}


def test_funding_is_asked_for_in_pieces_of_thirty_days(tmp_path: Path) -> None:
    hours = [("deribit", T0 + i * HOUR, i / 1e7, 1) for i in range(70 * 24)]
    market = folder(tmp_path / "market", {"funding": hours})
    with asking(FUNDING, market, T0 + timedelta(days=65), stand_in.ROUTES) as (session, _server):
        rows = rows_of(FUNDING, session, Window.of_dates(T0.date(), datetime(2026, 3, 7).date()))
    assert rows["funding_time"].to_list() == [T0 + i * HOUR for i in range(65 * 24 + 1)]
    assert rows["funding_rate"][10] == 10 / 1e7


def test_dvol_is_followed_backwards_to_the_end(tmp_path: Path) -> None:
    market = folder(
        tmp_path / "market", {"dvol_1h": [(T0 + i * HOUR, 50.0, 51.0, 49.0, 50.0 + i) for i in range(2600)]}
    )
    clock = T0 + 2500 * HOUR + timedelta(minutes=20)
    with asking(DVOL, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(DVOL, session, Window.of_dates(T0.date(), clock.date()))
    assert len(server.requests) == 3
    assert rows.sort("open_time")["open_time"].to_list() == [T0 + i * HOUR for i in range(2500)]


def test_a_page_of_other_hours_again_and_again_is_an_error(tmp_path: Path) -> None:
    stuck = json_answer(enveloped({"data": [[1735689600000, 50.0, 51.0, 49.0, 50.0]], "continuation": 1767225600000}))
    market = folder(tmp_path / "market", {"dvol_1h": [(T0, 50.0, 51.0, 49.0, 50.0)]})
    routes = {"GET www.deribit.com/api/v2/public/get_volatility_index_data": lambda _: stuck}
    with asking(DVOL, market, T0 + 2 * HOUR, routes) as (session, _), pytest.raises(SourceError, match="same page"):
        list(DVOL.fetch(session, Window.of_dates(T0.date(), T0.date())))


def test_recorded_futures_are_read_to_the_row(real: Path) -> None:
    name = "get_book_summary_by_currency_future_BTC_20260920.json"
    futures = BY_NAME["future_summary"]
    parsed = futures.read(payload(enveloped(json.loads((real / "fixtures/deribit" / name).read_bytes()))))
    assert parsed.rejects == ()
    assert parsed.rows.height == 13
    stamp = datetime(2026, 9, 20, 21, 17, 16)
    expected = ("BTC-27NOV26", datetime(2026, 11, 27, 8), 15846850.0, 81599.51, 80815.88)
    columns = ("instrument_name", "expiry_time", "open_interest_usd", "mark_price_usd", "index_price_usd")
    assert parsed.rows.select(columns).row(0) == expected
    assert set(parsed.rows["snapshot_time"]) == {stamp}
    [perpetual] = parsed.rows.filter(instrument_name="BTC-PERPETUAL").iter_rows(named=True)
    assert perpetual["expiry_time"] is None
    assert perpetual["open_interest_btc"] == pytest.approx(787799210 / 80831.57)


def test_a_future_of_another_kind_is_refused_and_the_others_load(samples: Path) -> None:
    sent = json.loads((samples / "deribit/future_summary.json").read_bytes())
    sent["result"][0]["instrument_name"] = "BTC_USDC-PERPETUAL"  # linear: its open interest would be in bitcoin
    parsed = BY_NAME["future_summary"].read(payload(sent))
    assert parsed.rows["instrument_name"].to_list() == ["BTC-9JAN26", "BTC-PERPETUAL"]
    assert [reject.reason for reject in parsed.rejects] == ["instrument_name: no value"]


def test_recorded_option_trades_state_the_volatility_that_was_paid(real: Path) -> None:
    sent = json.loads((real / "fixtures/deribit/get_last_trades_by_currency_option_BTC.json").read_bytes())
    parsed = BY_NAME["option_trade"].read(payload(enveloped(sent)))
    assert parsed.rejects == ()
    assert parsed.rows.height == 5
    first = parsed.rows.row(0, named=True)
    assert (first["trade_id"], first["instrument_name"]) == ("445682190", "BTC-21SEP26-80000-P")
    assert (first["expiry_time"], first["strike_usd"], first["option_type"]) == (datetime(2026, 9, 21, 8), 80000.0, "P")
    assert (first["iv_pct"], first["price_btc"], first["amount_btc"]) == (31.75, 0.0011, 0.1)
    assert first["traded_at"] == datetime(2026, 9, 20, 21, 16, 57, 544000)


@pytest.mark.parametrize("name", ["get_last_trades_option_combo", "get_last_trades_future_combo"])
def test_recorded_combinations_are_refused_as_the_test_nets_and_as_combinations(real: Path, name: str) -> None:
    sent = json.loads((real / "fixtures/deribit" / f"{name}.json").read_bytes())
    trades = BY_NAME["option_trade"]
    with pytest.raises(SourceError, match="test net") as caught:
        trades.read(payload(sent))
    assert caught.value.failure is Failure.NOT_DATA
    with pytest.raises(SourceError) as caught:
        trades.read(payload(sent | {"testnet": False}))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize("name", ["get_instruments_BTC_20210722", "get_expirations_btc_option", "ticker_option_BTC"])
@pytest.mark.parametrize("dataset", sorted(BY_NAME))
def test_a_recording_of_another_kind_never_becomes_rows(real: Path, name: str, dataset: str) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[dataset].read(payload((real / "fixtures/deribit" / f"{name}.json").read_bytes()))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_the_last_trades_of_each_day_are_asked_for_once_a_day(tmp_path: Path) -> None:
    trades, clock = BY_NAME["option_trade"], T0 + timedelta(days=3)
    market = folder(tmp_path / "market", {"open_interest": [("deribit", T0, 1.0, 7e4)]})
    with asking(trades, market, clock, stand_in.ROUTES) as (session, server):
        assert rows_of(trades, session, Window.of_dates(T0.date(), (T0 + timedelta(days=2)).date())).is_empty()
    asked = [(request.host, request.params["sorting"], request.params["count"]) for request in server.requests]
    assert asked == [("history.deribit.com", "desc", "1000")] * 6  # an empty day is asked for once more
    ends = [int(request.params["end_timestamp"]) + 1 for request in server.requests[::2]]
    starts = [int(request.params["start_timestamp"]) for request in server.requests[::2]]
    assert starts[1:] == ends[:-1]
