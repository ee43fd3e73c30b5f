"""OKX: the three volumes told apart, UTC days, charged rates, errors behind HTTP 200, pages followed back."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import okx as stand_in
from sandbox.provider_request import ProviderRequest, json_answer
from sources.core.dataset import Access, Cadence, Window
from sources.core.errors import Failure, SourceError
from sources.okx import DATASETS, check
from tests.unit.venue_market import DAY, HOUR, asking, bars, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
CANDLES = ["perp_candle_1d", "perp_candle_1h", "spot_candle_1d"]
T0 = datetime(2026, 1, 1)
EIGHT_HOURS = timedelta(hours=8)
SWAP = "BTC-USDT-SWAP"


def milliseconds(at: datetime) -> str:
    return str(int(at.replace(tzinfo=UTC).timestamp() * 1000))


def envelope(data: object) -> dict[str, object]:
    return {"code": "0", "msg": "", "data": data}


def candle(at: datetime, confirm: str = "1") -> list[str]:
    return [milliseconds(at), "70000.1", "71000", "69000", "70500", "250000", "2500", "176250000.5", confirm]


def settlement(at: datetime, **changed: object) -> dict[str, object]:
    row = {
        "instId": "BTC-USDT-SWAP",
        "fundingTime": milliseconds(at),
        "fundingRate": "0.0002",
        "realizedRate": "0.0001",
    }
    return row | changed


def test_recorded_spot_bars_are_read_to_the_row(real: Path) -> None:
    body = (real / "fixtures" / "okx" / "market_candles_BTC-USDT_1H.json").read_bytes()
    # No hourly spot is declared; the recording is read as one would be.
    read = BY_NAME["spot_candle_1d"].read.func  # type: ignore[attr-defined]  # it is a partial
    parsed = read(payload(body), instrument="BTC-USDT", period=HOUR)
    assert parsed.rejects == ()
    assert parsed.rows.height == 3
    first = ("BTC-USDT", datetime(2024, 1, 30, 18), 43398.6, 43493.9, 43279.9, 43373.9, 5070.79611732)
    assert parsed.rows.row(0) == first


def test_recorded_open_interest_is_read_without_its_dust(real: Path) -> None:
    body = (real / "fixtures" / "okx" / "public_open_interest_BTC-USDT-SWAP.json").read_bytes()
    parsed = BY_NAME["open_interest"].read(payload(body))
    assert parsed.rejects == ()
    seen = datetime(2024, 10, 12, 10, 18, 34, 766000)
    assert parsed.rows.rows() == [("BTC-USDT-SWAP", seen, 26631.073, 1676426045.35)]


def test_a_swap_counts_bitcoin_where_spot_counts_dollars() -> None:
    swap = BY_NAME["perp_candle_1d"].read(payload(envelope([candle(T0)]))).rows
    spot = BY_NAME["spot_candle_1d"].read(payload(envelope([candle(T0)]))).rows
    assert (swap["volume_btc"].item(), spot["volume_btc"].item()) == (2500.0, 250000.0)


@pytest.mark.parametrize("name", CANDLES)
def test_unconfirmed_bars_are_left_out(name: str) -> None:
    parsed = BY_NAME[name].read(payload(envelope([candle(T0 + DAY, confirm="0"), candle(T0)])))
    assert parsed.rows["open_time"].to_list() == [T0]
    assert parsed.rejects == ()


def test_a_day_that_opens_at_hong_kong_midnight_is_refused() -> None:
    parsed = BY_NAME["perp_candle_1d"].read(payload(envelope([candle(T0 + timedelta(hours=16)), candle(T0)])))
    assert parsed.rows["open_time"].to_list() == [T0]
    assert "does not begin a bar" in parsed.rejects[0].reason


def test_the_rate_is_the_one_that_was_charged() -> None:
    parsed = BY_NAME["funding_rate"].read(payload(envelope([settlement(T0 + i * EIGHT_HOURS) for i in (2, 1, 0)])))
    assert parsed.rejects == ()
    assert parsed.rows.row(0) == ("BTC-USDT-SWAP", T0 + 2 * EIGHT_HOURS, 0.0001, None)


def test_a_page_says_nothing_of_an_interval_that_the_exchange_does_not_state() -> None:
    page = [settlement(T0 + hour * HOUR) for hour in (14, 12, 8, 0)]
    rows = BY_NAME["funding_rate"].read(payload(envelope(page))).rows
    assert rows["interval_hours"].to_list() == [None] * 4


def test_open_interest_is_asked_for_now_and_only_now() -> None:
    assert BY_NAME["open_interest"].access is Access.NOW
    assert BY_NAME["open_interest"].cadence is Cadence.SNAPSHOT


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_empty_page_has_no_rows_and_the_declared_columns(name: str) -> None:
    parsed = BY_NAME[name].read(payload(envelope([])))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == BY_NAME[name].schema


def test_a_settlement_that_cannot_be_believed_is_refused_and_the_others_load() -> None:
    bad = [settlement(T0, realizedRate=""), settlement(T0, fundingTime="soon"), settlement(T0, realizedRate="0,0001")]
    parsed = BY_NAME["funding_rate"].read(payload(envelope([*bad, settlement(T0 + DAY)])))
    assert parsed.rows["funding_time"].to_list() == [T0 + DAY]
    reasons = [reject.reason.split(":")[0] for reject in parsed.rejects]
    assert reasons == ["funding_rate", "funding_time", "funding_rate"]


def test_an_absent_dollar_figure_is_null_and_not_zero() -> None:
    row = {"instId": "BTC-USDT-SWAP", "oiCcy": "25000.5", "oiUsd": "", "ts": milliseconds(T0)}
    rows = BY_NAME["open_interest"].read(payload(envelope([row]))).rows
    assert rows.rows() == [("BTC-USDT-SWAP", T0, 25000.5, None)]


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("50011", Failure.THROTTLED),
        (50011, Failure.THROTTLED),
        ("50026", Failure.OUTAGE),
        ("51000", Failure.REFUSED),
        ("51001", Failure.REFUSED),
    ],
)
def test_error_codes_say_what_to_do(code: object, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        check(payload({"code": code, "msg": "as it says", "data": []}))
    assert caught.value.failure is failure
    assert "as it says" in caught.value.what


def test_an_http_error_without_a_code_is_left_to_its_status() -> None:
    check(payload({"message": "no such path"}, status=404))
    with pytest.raises(SourceError, match="code"):
        check(payload({"message": "no such path"}))


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_error_behind_status_200_is_no_data(name: str) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload({"code": "51001", "msg": "Instrument ID doesn't exist.", "data": []}))
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_block_page_is_no_data(name: str) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(b"<!DOCTYPE html><html><body>Not available in your region</body></html>"))
    assert caught.value.failure is Failure.BLOCKED


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        (
            "funding_rate",
            envelope([{"instId": SWAP, "fundingTime": "1", "fundingRate": "0"}]),
            "realizedRate",
        ),
        ("open_interest", envelope([{"instId": SWAP, "oi": "1", "ts": "1"}]), "oiCcy"),
        (
            "open_interest",
            envelope([{"instId": "BTC-USD-SWAP", "oiCcy": "1", "oiUsd": "1", "ts": "1"}]),
            "BTC-USD-SWAP",
        ),
        ("perp_candle_1d", envelope([candle(T0)[:8]]), "9 values"),
        ("perp_candle_1d", envelope([candle(T0, confirm="yes")]), "confirm"),
        ("perp_candle_1d", {"code": "0", "msg": "", "result": []}, "data"),
    ],
)
def test_a_changed_layout_says_what_changed(name: str, content: object, named: str) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(content))
    assert caught.value.failure is Failure.CHANGED_LAYOUT
    assert named in caught.value.what


def test_hourly_bars_are_paged_back_to_the_start(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"price_1h": bars("okx", "perp", T0, HOUR, 2000)})
    hourly, clock = BY_NAME["perp_candle_1h"], T0 + 1800 * HOUR + timedelta(minutes=20)
    with asking(hourly, market, clock, stand_in.ROUTES) as (session, server):
        window = Window.of_dates(T0.date(), clock.date())
        rows = rows_of(hourly, session, window).sort("open_time")
        old = len(server.requests)
        last_days = Window(window.end - 20 * DAY, window.end)
        recent = rows_of(hourly, session, last_days)
    assert rows["open_time"].to_list() == [T0 + i * HOUR for i in range(1800)]
    assert rows["volume_btc"].to_list() == [10.5 + i for i in range(1800)]
    assert recent["open_time"].min() == last_days.start.replace(tzinfo=None)
    assert old == 6  # of 300 bars each, and no empty one at the end
    assert [request.path.rsplit("/")[-1] for request in server.requests] == [
        *["history-candles"] * old,
        *["candles"] * (len(server.requests) - old),
    ]


def test_days_are_summed_from_hours_where_the_market_has_no_days(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"price_1h": bars("okx", "perp", T0, HOUR, 100)})
    daily, clock = BY_NAME["perp_candle_1d"], T0 + 3 * DAY + timedelta(hours=5)
    with asking(daily, market, clock, stand_in.ROUTES) as (session, _):
        window = Window.of_dates(T0.date(), clock.date())
        sent = b"".join(page.body for page in daily.fetch(session, window))
        rows = rows_of(daily, session, window).sort("open_time")
    assert sent.count(b'"0"]') == 1  # the running day was there, unconfirmed
    assert rows["open_time"].to_list() == [T0, T0 + DAY, T0 + 2 * DAY]
    assert rows.row(1) == (
        "BTC-USDT-SWAP",
        T0 + DAY,
        70024.0,
        70049.5,
        70023.25,
        70048.0,
        sum(34.5 + i for i in range(24)),
    )


def test_settlements_reach_back_three_months_and_no_further(tmp_path: Path) -> None:
    rates = [("okx", T0 + i * EIGHT_HOURS, i / 1e6, 8) for i in range(600)]
    market = folder(tmp_path / "market", {"funding": rates})
    funding, clock = BY_NAME["funding_rate"], T0 + 600 * EIGHT_HOURS
    with asking(funding, market, clock, stand_in.ROUTES) as (session, _):
        rows = rows_of(funding, session, Window.of_dates(T0.date(), clock.date()))
        few = rows_of(funding, session, Window.of_dates((clock - 2 * DAY).date(), clock.date()))
    assert rows["funding_time"].min() > clock - timedelta(days=92)
    assert rows["funding_time"].max() == T0 + 599 * EIGHT_HOURS
    assert rows["funding_rate"][0] == 599 / 1e6
    assert few.height == 7  # two days and the one before


def test_settlements_of_several_pages_join(tmp_path: Path) -> None:
    hourly = [("okx", T0 + i * HOUR, i / 1e6, 1) for i in range(1000)]
    market = folder(tmp_path / "market", {"funding": hourly})
    funding, clock = BY_NAME["funding_rate"], T0 + 1000 * HOUR
    with asking(funding, market, clock, stand_in.ROUTES) as (session, _server):
        rows = rows_of(funding, session, Window.of_dates(T0.date(), clock.date()))
    assert rows.unique().sort("funding_time")["funding_rate"].to_list() == [rate for _, _, rate, _ in hourly]


def test_open_interest_is_the_newest_reading_at_the_clock(tmp_path: Path) -> None:
    readings = [("okx", T0 + i * HOUR, 25000.25 + i, 1.75e9 + i) for i in range(48)]
    market = folder(tmp_path / "market", {"open_interest": readings})
    interest, clock = BY_NAME["open_interest"], T0 + timedelta(hours=23, minutes=50)
    with asking(interest, market, clock, stand_in.ROUTES) as (session, _):
        rows = rows_of(interest, session, Window.of_dates(T0.date(), T0.date()))
    assert rows.rows() == [("BTC-USDT-SWAP", T0 + 23 * HOUR, 25023.25, 1.75e9 + 23)]


def test_a_page_that_never_moves_on_is_an_error(tmp_path: Path) -> None:
    def stuck(_: ProviderRequest) -> object:
        return json_answer(envelope([candle(T0 + 5 * DAY)]))

    market = folder(tmp_path / "market", {"price_1h": bars("okx", "perp", T0, HOUR, 1)})
    routes = {"GET www.okx.com/api/v5/market/candles": stuck}
    with asking(BY_NAME["perp_candle_1d"], market, T0 + 6 * DAY, routes) as (session, _):
        pages = BY_NAME["perp_candle_1d"].fetch(session, Window.of_dates(T0.date(), (T0 + 6 * DAY).date()))
        with pytest.raises(SourceError, match="same page"):
            list(pages)


def forced(at: datetime, **changed: object) -> dict[str, object]:
    order = {"bkLoss": "0", "bkPx": "70000", "ccy": "", "posSide": "long", "side": "sell", "sz": "250"}
    return {**order, "ts": milliseconds(at), **changed}


def group(*orders: object, instrument: str = SWAP) -> dict[str, object]:
    return {"details": list(orders), "instFamily": "BTC-USDT", "instId": instrument, "instType": "SWAP"}


def test_forced_orders_count_contracts_of_a_hundredth_and_other_contracts_are_left_out() -> None:
    orders = [forced(T0), forced(T0 + HOUR, posSide="short", side="buy", sz="1")]
    sent = envelope([group(*orders), group(forced(T0), instrument="BTC-USD-SWAP")])
    rows = BY_NAME["liquidation"].read(payload(sent)).rows
    assert rows.rows() == [(SWAP, T0, "long", 2.5, 70000.0), (SWAP, T0 + HOUR, "short", 0.01, 70000.0)]


def test_a_recorded_message_of_the_socket_has_the_fields_and_is_of_another_coin(real: Path) -> None:
    told = json.loads((real / "fixtures" / "liquidations" / "ws_messages.json").read_bytes())
    [data] = [each["message"]["data"] for each in told if each["venue"] == "okx"]
    assert BY_NAME["liquidation"].read(payload(envelope(data))).rows.is_empty()
    rows = BY_NAME["liquidation"].read(payload(envelope([{**data[0], "instId": SWAP}]))).rows
    assert rows.rows() == [(SWAP, datetime(2023, 3, 30, 10, 47, 27, 614000), "short", 0.39, 0.55205)]


def test_an_order_that_is_shown_twice_counts_once_and_a_side_that_is_none_is_refused() -> None:
    parsed = BY_NAME["liquidation"].read(payload(envelope([group(forced(T0), forced(T0), forced(T0, posSide="net"))])))
    assert parsed.rows.height == 1
    assert [reject.reason for reject in parsed.rejects] == ["position_side: no value"]


def test_forced_orders_are_paged_back_to_the_window(tmp_path: Path) -> None:
    hours = [("okx", T0 + i * HOUR, 7.0e4, 1.4e5) for i in range(60)]
    told = {"liquidations_1h": hours, "price_1h": bars("okx", "perp", T0, HOUR, 60)}
    market, clock = folder(tmp_path / "market", told), T0 + timedelta(hours=60)
    liquidation = BY_NAME["liquidation"]
    window = Window((clock - 6 * HOUR).replace(tzinfo=UTC), clock.replace(tzinfo=UTC))
    with asking(liquidation, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(liquidation, session, window)
    assert len(server.requests) == 1
    assert rows["liquidated_at"].min() == clock - 23 * HOUR  # the exchange shows a rolling day
    longs = rows.filter(position_side="long")
    assert (longs["amount_btc"] * longs["price_usd"]).sum() == pytest.approx(23 * 7.0e4)


def test_an_endpoint_that_is_gone_says_so(tmp_path: Path) -> None:
    gone = {"GET www.okx.com/api/v5/public/liquidation-orders": lambda _: json_answer({"code": "51000"}, 400)}
    market = folder(tmp_path / "market", {"open_interest": [("okx", T0, 1.0, None)]})
    liquidation = BY_NAME["liquidation"]
    with asking(liquidation, market, T0 + DAY, gone) as (session, _), pytest.raises(SourceError) as caught:
        list(liquidation.fetch(session, Window.of_dates(T0.date(), T0.date())))
    assert caught.value.failure is Failure.MOVED
    assert "no longer answers about forced orders" in caught.value.what


def test_a_recorded_rate_of_now_has_no_charge_yet_and_is_refused(real: Path) -> None:
    body = (real / "fixtures" / "okx" / "public_funding_rate_BTC-USDT-SWAP.json").read_bytes()
    with pytest.raises(SourceError, match="realizedRate") as caught:
        BY_NAME["funding_rate"].read(payload(body))
    assert caught.value.failure is Failure.CHANGED_LAYOUT
