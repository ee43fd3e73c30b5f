"""Bitfinex: places that move by one, executions counted once, sides, errors as lists, pages back to midnight."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from sandbox import bitfinex as stand_in
from sources.bitfinex import DATASETS, check
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from tests.unit.venue_market import DAY, HOUR, asking, bars, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
T0 = datetime(2026, 1, 1)


def event(position: int, *, match: int = 1, symbol: str = "tBTCF0:USTF0", amount: float = 0.5) -> list[list[Any]]:
    price = 70000.0 if match else None
    return [["pos", position, 1767225600000 + position, None, symbol, amount, 71000.0, None, match, 1, None, price]]


def test_a_recorded_status_of_now_is_read_with_its_key_in_front(real: Path) -> None:
    body = (real / "fixtures" / "bitfinex" / "status_deriv.json").read_bytes()
    parsed = BY_NAME["open_interest"].read(payload(body))
    assert parsed.rejects == ()
    [(symbol, observed_at, btc, usd, funding)] = parsed.rows.iter_rows()
    assert (symbol, observed_at) == ("tBTCF0:USTF0", datetime(2024, 12, 20, 2, 45, 44))
    assert (btc, funding) == (4631.58206116, 0.0)
    assert usd == pytest.approx(4631.58206116 * 97491.9302)


def test_a_status_of_history_lies_one_place_lower_and_an_old_one_ends_early(real: Path) -> None:
    [now] = orjson.loads((real / "fixtures" / "bitfinex" / "status_deriv.json").read_bytes())
    read = BY_NAME["open_interest"].read
    for history in (now[1:], now[1:19]):
        assert read(payload([history])).rows.equals(read(payload([now])).rows)
    with pytest.raises(SourceError, match="a status of 17 places"):
        read(payload([now[1:18]]))


def test_a_status_of_another_contract_is_refused() -> None:
    with pytest.raises(SourceError, match="was not asked for") as caught:
        BY_NAME["open_interest"].read(payload([["tETHF0:USTF0", *[1] * 22]]))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_recorded_announcements_and_other_coins_are_left_out(real: Path) -> None:
    told = orjson.loads((real / "fixtures" / "liquidations" / "ws_messages.json").read_bytes())
    # What the socket sends is what the page holds: one wrapped record.
    wrapped = [each["message"][1] for each in told if each["venue"] == "bitfinex"]
    assert len(wrapped) == 3
    assert BY_NAME["liquidation"].read(payload(wrapped)).rows.is_empty()
    # The bitcoin one announces a position. Had it been its execution, it would count.
    [announced] = [each for each in wrapped if each[0][4] == "tBTCF0:USTF0"]
    executed = [[*announced[0][:8], 1, *announced[0][9:]]]
    rows = BY_NAME["liquidation"].read(payload([*wrapped, executed])).rows
    moment = datetime(2020, 6, 30, 13, 13, 22, 742000)
    assert rows.rows() == [(143683674, moment, "tBTCF0:USTF0", 0.00268657, 9080.0)]


def test_executions_of_bitcoin_are_counted_once_on_the_perpetual_and_on_margin() -> None:
    sent = [event(1), event(2, match=0), event(3, symbol="tETHUSD"), event(4, symbol="tBTCUSD", amount=-0.25)]
    rows = BY_NAME["liquidation"].read(payload(sent)).rows
    assert rows.select("position_id", "amount_btc").rows() == [(1, 0.5), (4, -0.25)]


@pytest.mark.parametrize(
    "broken",
    [
        ["pos", 1],
        [["pos", 1]],
        [[*event(1)[0][:8], 2, *event(1)[0][9:]]],
        [["neg", *event(1)[0][1:]]],
        [[*event(1)[0], 1]],
    ],
)
def test_another_form_of_a_liquidation_is_refused(broken: object) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME["liquidation"].read(payload([broken]))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (["error", 11010, "ratelimit: error"], Failure.THROTTLED),
        (["error", None, "ERR_RATE_LIMIT: ratelimit"], Failure.THROTTLED),
        (["error", 10020, "limit: invalid"], Failure.REFUSED),
        (["error"], Failure.REFUSED),
    ],
)
def test_errors_as_lists_say_what_to_do(error: list[object], failure: Failure) -> None:
    for attempt in (check, *(dataset.read for dataset in DATASETS)):
        with pytest.raises(SourceError) as caught:
            attempt(payload(error))
        assert caught.value.failure is failure


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_block_page_is_no_data(real: Path, name: str) -> None:
    page = (real / "fixtures" / "errors" / "cloudfront_http_403_country_block.html").read_bytes()
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(page))
    assert caught.value.failure is Failure.BLOCKED


def test_one_status_a_day_is_asked_for_and_it_is_the_last(tmp_path: Path) -> None:
    told = [("bitfinex", T0 + i * HOUR, 4000.0 + i, 2.8e8) for i in range(72)]
    market = folder(tmp_path / "market", {"open_interest": told})
    interest = BY_NAME["open_interest"]
    with asking(interest, market, T0 + 3 * DAY, stand_in.ROUTES) as (session, server):
        rows = rows_of(interest, session, Window.of_dates(T0.date(), (T0 + 2 * DAY).date()))
    assert [request.params["limit"] for request in server.requests] == ["1"] * 3
    assert rows["observed_at"].to_list() == [T0 + day * DAY + 23 * HOUR for day in range(3)]
    assert rows["open_interest_btc"].to_list() == [4023.0, 4047.0, 4071.0]


def test_liquidations_are_paged_back_to_the_midnight_before_the_window(tmp_path: Path) -> None:
    hours = [("bitfinex", T0 + i * HOUR, 7.0e4 + i, 1.4e5) for i in range(400)]
    told = {"liquidations_1h": hours, "price_1h": bars("okx", "perp", T0, HOUR, 400)}
    market, liquidation = folder(tmp_path / "market", told), BY_NAME["liquidation"]
    start = (T0 + timedelta(hours=30)).replace(tzinfo=UTC)
    with asking(liquidation, market, T0 + 400 * HOUR, stand_in.ROUTES) as (session, server):
        rows = rows_of(liquidation, session, Window(start, start + 500 * HOUR)).unique()
    assert len(server.requests) == 2
    assert rows["liquidated_at"].min() == T0 + DAY
    values = rows.with_columns(usd=rows["amount_btc"] * rows["price_usd"])["usd"]
    assert values.filter(values > 0).sum() == pytest.approx(sum(row[2] for row in hours[24:]))
    assert values.filter(values < 0).sum() == pytest.approx(-1.4e5 * 376)


def test_the_three_a_minute_of_liquidations_slow_nothing_else() -> None:
    provider = BY_NAME["liquidation"].provider
    assert dict(provider.slower) == {"https://api-pub.bitfinex.com/v2/liquidations/hist": 3}
    assert provider.requests_per_minute == 60
