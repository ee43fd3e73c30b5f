"""Hyperliquid: hourly rates whatever the page holds, coins found by position, pages followed, one POST each."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import hyperliquid as stand_in
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.hyperliquid import DATASETS
from tests.unit.venue_market import DAY, HOUR, asking, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
T0 = datetime(2026, 1, 1)


def test_recorded_open_interest_is_in_coins_and_at_the_mark_in_dollars(real: Path) -> None:
    body = (real / "fixtures" / "hyperliquid" / "metaAndAssetCtxs_BTC.json").read_bytes()
    parsed = BY_NAME["open_interest"].read(payload(body, fetched_at=datetime(2026, 9, 9, 23, 50, 0, 5, UTC)))
    assert parsed.rejects == ()
    [(symbol, observed_at, btc, usd)] = parsed.rows.iter_rows()
    assert (symbol, observed_at, btc) == ("BTC", datetime(2026, 9, 9, 23, 50), 33997.0627)
    assert usd == pytest.approx(33997.0627 * 78384.0, rel=1e-12)


@pytest.mark.parametrize("name", ["candleSnapshot_BTC_1m", "candleSnapshot_PURR_1d"])
@pytest.mark.parametrize("dataset", sorted(BY_NAME))
def test_recorded_candles_are_no_funding_and_no_open_interest(real: Path, name: str, dataset: str) -> None:
    body = (real / "fixtures" / "hyperliquid" / f"{name}.json").read_bytes()
    with pytest.raises(SourceError) as caught:
        BY_NAME[dataset].read(payload(body))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_a_coin_is_found_by_its_place_among_the_names() -> None:
    contexts = [{"openInterest": "1", "markPx": "2"}, {"openInterest": "30000.5", "markPx": "70000"}]
    names = [{"name": "ETH"}, {"name": "BTC"}]
    rows = BY_NAME["open_interest"].read(payload([{"universe": names}, contexts])).rows
    assert rows["open_interest_btc"].to_list() == [30000.5]
    with pytest.raises(SourceError, match="1 contexts of 2 coins"):
        BY_NAME["open_interest"].read(payload([{"universe": names}, contexts[1:]]))


def test_one_rate_alone_is_of_one_hour_and_late_stamps_are_rounded() -> None:
    row = {"coin": "BTC", "fundingRate": "0.0000125", "premium": "0", "time": 1767225600031}
    rows = BY_NAME["funding_rate"].read(payload([row])).rows
    assert rows.row(0) == ("BTC", T0, 0.0000125, 1.0)


def test_a_rate_in_percent_is_refused() -> None:
    row = {"coin": "BTC", "fundingRate": "1.25", "time": 1767225600000}
    [reject] = BY_NAME["funding_rate"].read(payload([row])).rejects
    assert reject.reason.startswith("funding_rate")


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("funding_rate", [{"coin": "BTC", "rate": "0", "time": 1767225600000}], "fundingRate"),
        ("open_interest", [{"universe": [{"name": "ETH"}]}, [{}]], "no BTC"),
        ("open_interest", [{"universe": [{"name": "BTC"}]}, [{"oi": "1", "markPx": "1"}]], "openInterest"),
        ("open_interest", [{"coins": []}, []], "universe"),
    ],
)
def test_a_changed_layout_says_what_changed(name: str, content: object, named: str) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(content))
    assert caught.value.failure is Failure.CHANGED_LAYOUT
    assert named in caught.value.what


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_block_page_is_no_data(real: Path, name: str) -> None:
    page = (real / "fixtures" / "errors" / "cloudfront_http_403_country_block.html").read_bytes()
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(page))
    assert caught.value.failure is Failure.BLOCKED


def test_hours_are_paged_to_the_end_without_one_twice(tmp_path: Path) -> None:
    rates = [("hyperliquid", T0 + i * HOUR, i / 1e7, 1) for i in range(1200)]
    market = folder(tmp_path / "market", {"funding": rates})
    funding, clock = BY_NAME["funding_rate"], T0 + 1200 * HOUR
    with asking(funding, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(funding, session, Window.of_dates(T0.date(), clock.date()))
    assert {request.method for request in server.requests} == {"POST"}
    assert rows["funding_time"].to_list() == [time for _, time, _, _ in rates]
    assert rows["funding_rate"].to_list() == pytest.approx([rate for _, _, rate, _ in rates])
    assert set(rows["interval_hours"]) == {1.0}


def test_open_interest_is_of_the_moment_of_asking(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": [("hyperliquid", T0, 30000.5, 2.1e9)]})
    interest, clock = BY_NAME["open_interest"], T0 + timedelta(hours=5, minutes=50)
    with asking(interest, market, clock, stand_in.ROUTES) as (session, _):
        rows = rows_of(interest, session, Window.of_dates(T0.date(), (T0 + DAY).date()))
    [(_, observed_at, btc, usd)] = rows.iter_rows()
    assert (observed_at, btc) == (clock, 30000.5)
    assert usd == pytest.approx(2.1e9, rel=1e-5)  # the mark has one decimal
