"""Luxor: GraphQL whose errors come with HTTP 200, and a terahash's price told from a petahash's. Documented shapes."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox import luxor as stand_in
from sandbox.server import running
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.luxor import DATASETS, PROVIDER, check
from tests.unit.market_folder import write_table
from tests.unit.venue_market import payload, rows_of

(HASHPRICE,) = DATASETS


def node(**changed: object) -> dict[str, object]:
    return {"timestamp": "2026-02-05T00:00:00+00:00", "usdHashprice": 33.5, "btcHashprice": 0.00048} | changed


def answer(*nodes: object) -> dict[str, object]:
    return {"data": {"getHashprice": {"nodes": list(nodes)}}}


def test_our_sample_is_read_to_the_row(samples: Path) -> None:
    parsed = HASHPRICE.read(payload((samples / "luxor/hashprice.json").read_bytes()))
    assert parsed.rejects == ()
    assert parsed.rows.rows() == [(datetime(2025, 3, 4), 52.5, 0.0006), (datetime(2025, 3, 5), 51.25, 0.00059)]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (node(usdHashprice=0.0335), "hashprice_usd_ph_day: 0.0335 is below 5"),  # of a terahash
        (node(usdHashprice=33_500), "hashprice_usd_ph_day: 33500.0 is above"),  # of an exahash
        (node(btcHashprice=4.8e-7), "hashprice_btc_ph_day"),  # of a terahash
        (node(btcHashprice=48_000), "hashprice_btc_ph_day"),  # in satoshi
        (node(timestamp=1770249600), "priced_at"),
        (node(usdHashprice=None), "hashprice_usd_ph_day: no value"),
        ("node", "no value"),
    ],
)
def test_a_point_in_another_unit_is_refused_and_the_others_load(bad: object, reason: str) -> None:
    parsed = HASHPRICE.read(payload(answer(node(timestamp="2026-02-04T00:00:00Z"), bad)))
    assert parsed.rows["priced_at"].to_list() == [datetime(2026, 2, 4)]
    assert len(parsed.rejects) == 1
    assert reason.split(" is ")[0].split(":")[0] in parsed.rejects[0].reason


@pytest.mark.parametrize(
    ("errors", "failure"),
    [
        ([{"message": "Invalid API key"}], Failure.BAD_KEY),
        ([{"message": "denied", "extensions": {"code": "UNAUTHENTICATED"}}], Failure.BAD_KEY),
        ([{"message": "Rate limit reached"}], Failure.THROTTLED),
        ([{"message": "Cannot query field x"}], Failure.REFUSED),
        ("down", Failure.REFUSED),
    ],
)
def test_an_error_inside_http_200_is_no_data(errors: object, failure: Failure) -> None:
    sent = payload({"errors": errors, "data": None})
    for read in (check, HASHPRICE.read):
        with pytest.raises(SourceError, match="Luxor says") as caught:
            read(sent)
        assert caught.value.failure is failure


@pytest.mark.parametrize("content", [{"data": None}, {"data": {"getHashprice": None}}, answer({"time": 1}), []])
def test_another_layout_is_refused_as_a_whole(content: object) -> None:
    with pytest.raises(SourceError) as caught:
        HASHPRICE.read(payload(content))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_an_empty_answer_has_no_rows_and_the_declared_columns() -> None:
    parsed = HASHPRICE.read(payload(answer()))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == HASHPRICE.schema


@pytest.fixture
def market(tmp_path: Path) -> Path:
    figures = {"hashrate_ehs": 1000.0, "price_usd": 7e4, "issuance_btc": 450.0, "fees_btc": 5.0}
    return write_table(tmp_path, "onchain_1d", [figures | {"date": date(2026, 2, day)} for day in range(1, 6)])


@pytest.mark.parametrize(
    ("first", "interval"),
    [
        (date(2026, 2, 4), "_7_DAYS"),
        (date(2026, 1, 14), "_1_MONTH"),
        (date(2025, 3, 1), "_1_YEAR"),
        (date(2023, 1, 1), "ALL"),
    ],
)
def test_the_shortest_interval_is_asked_for_with_the_key_in_its_header(
    market: Path, first: date, interval: str
) -> None:
    clock = datetime(2026, 2, 6, 0, 50, tzinfo=UTC)
    with (
        running(market, routes=stand_in.ROUTES) as server,
        Session(PROVIDER, key="a-key", upstream=server.base_url, clock=clock) as session,
    ):
        window = Window.of_dates(first, clock.date())
        (page,) = HASHPRICE.fetch(session, window)
        rows = rows_of(HASHPRICE, session, window)
    assert json.loads(page.params["body"])["variables"] == {"interval": interval, "first": 10_000}
    assert "a-key" not in f"{page.params} {page.url}"
    assert server.requests[0].headers["x-hi-api-key"] == "a-key"
    assert rows.row(-1) == (datetime(2026, 2, 6), pytest.approx(31.85), pytest.approx(31.85 / 7e4))


def test_without_a_key_nothing_is_asked(market: Path) -> None:
    with running(market, routes=stand_in.ROUTES) as server, Session(PROVIDER, upstream=server.base_url) as session:
        with pytest.raises(SourceError, match="LEADLINE_KEY_LUXOR"):
            list(HASHPRICE.fetch(session, Window.of_dates(date(2026, 2, 1), date(2026, 2, 5))))
        assert server.requests == []
