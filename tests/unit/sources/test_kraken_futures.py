"""Kraken Futures: the relative rate and never the absolute one, two units of open interest, errors behind HTTP 200."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox import kraken_futures as stand_in
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed, Payload
from sources.kraken_futures import DATASETS, check
from tests.unit.venue_market import DAY, HOUR, asking, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
T0 = datetime(2026, 1, 1)


def rates(*rows: dict[str, object], symbol: str = "PF_XBTUSD") -> Parsed:
    sent = payload({"result": "success", "rates": list(rows)})
    return BY_NAME["funding_rate"].read(Payload(sent.url, {"symbol": symbol}, 200, {}, sent.body, sent.fetched_at))


def test_recorded_open_interest_of_both_contracts_comes_in_bitcoin_and_in_dollars(real: Path) -> None:
    body = (real / "fixtures" / "kraken_futures" / "tickers_XBT.json").read_bytes()
    parsed = BY_NAME["open_interest"].read(payload(body, fetched_at=datetime(2026, 9, 9, 23, 50, tzinfo=UTC)))
    assert parsed.rejects == ()
    (pi, at, pi_btc, pi_usd), (pf, _, pf_btc, pf_usd) = parsed.rows.iter_rows()
    assert (pi, pf, at) == ("PI_XBTUSD", "PF_XBTUSD", datetime(2026, 9, 9, 23, 50))
    assert (pi_usd, pf_btc) == (2_172_854.0, 2080.7149)
    assert pi_btc == pytest.approx(2_172_854.0 / 78_114.68384206136)
    assert pf_usd == pytest.approx(2080.7149 * 78_115.14704713407)


def test_recorded_contract_specifications_hold_no_open_interest(real: Path) -> None:
    body = (real / "fixtures" / "kraken_futures" / "instruments_20210722.json").read_bytes()
    for name in sorted(BY_NAME):
        with pytest.raises(SourceError) as caught:
            BY_NAME[name].read(payload(body))
        assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_the_relative_rate_is_read_and_no_interval_is_made_up() -> None:
    rows = rates(
        *(
            {"timestamp": f"2018-09-01T{hour:02}:00:00Z", "fundingRate": 2.1e-7, "relativeFundingRate": 6.1e-5}
            for hour in (0, 4, 8)
        ),
        {"timestamp": "2018-09-01T09:00:00Z", "fundingRate": 2.1e-7, "relativeFundingRate": 1.5e-5},
        symbol="PI_XBTUSD",
    ).rows
    assert rows["symbol"].to_list() == ["PI_XBTUSD"] * 4
    assert rows["funding_rate"].to_list() == [6.1e-5] * 3 + [1.5e-5]
    assert rows["interval_hours"].to_list() == [None] * 4


def test_an_absolute_amount_in_place_of_the_fraction_is_refused() -> None:
    [reject] = rates({"timestamp": "2026-01-01T00:00:00Z", "relativeFundingRate": 0.2485}).rejects
    assert reject.reason.startswith("funding_rate")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"result": "error", "error": "apiLimitExceeded"}, Failure.THROTTLED),
        ({"result": "error", "error": "Server Error"}, Failure.OUTAGE),
        ({"result": "error", "error": "invalidArgument: symbol"}, Failure.REFUSED),
        ({"result": "error", "errors": [{"code": 87, "message": "Contract does not exist"}]}, Failure.REFUSED),
    ],
)
def test_errors_say_what_to_do(error: dict[str, object], failure: Failure) -> None:
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


def test_history_comes_whole_for_each_contract(tmp_path: Path) -> None:
    told = [("kraken", T0 + i * HOUR, i / 1e7, 1) for i in range(100)]
    market = folder(tmp_path / "market", {"funding": told})
    funding, clock = BY_NAME["funding_rate"], T0 + 50 * HOUR
    with asking(funding, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(funding, session, Window.of_dates(T0.date(), T0.date()))
    assert [request.params["symbol"] for request in server.requests] == ["PF_XBTUSD", "PI_XBTUSD"]
    assert rows["funding_rate"].to_list() == [rate for _, _, rate, _ in told[:51]]


def test_open_interest_is_of_the_moment_of_asking(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": [("kraken", T0, 2000.5, 140_035_000.0)]})
    interest = BY_NAME["open_interest"]
    with asking(interest, market, T0 + HOUR, stand_in.ROUTES) as (session, _):
        rows = rows_of(interest, session, Window.of_dates(T0.date(), (T0 + DAY).date()))
    assert rows.rows() == [("PF_XBTUSD", T0 + HOUR, 2000.5, 140_035_000.0)]
