"""BGeometrics: text figures, two names of the date, allowances told apart. Shapes from the publisher's pages."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox import bgeometrics as stand_in
from sources.bgeometrics import DATASETS, PROVIDER
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from tests.unit.market_folder import write_table
from tests.unit.sources.scripted import answer, scripted
from tests.unit.venue_market import asking, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
RATIO, PRICE, NET = BY_NAME["ratio"], BY_NAME["realized_price"], BY_NAME["net_realized_pnl"]
FETCHED_AT = datetime(2026, 2, 7, tzinfo=UTC)


def sent(content: object, name: str = "sopr") -> Payload:
    return Payload(f"https://bitcoin-data.com/v1/{name}", {}, 200, {}, payload(content).body, FETCHED_AT)


def test_our_samples_are_read_to_the_row(samples: Path) -> None:
    rows = RATIO.read(sent((samples / "bgeometrics/ratio.json").read_bytes())).rows
    assert rows.row(0) == ("sopr", date(2025, 3, 3), 1.0125)
    rows = PRICE.read(sent((samples / "bgeometrics/realized_price.json").read_bytes())).rows
    assert rows.row(2) == (date(2025, 3, 5), 43100.125)
    rows = NET.read(sent((samples / "bgeometrics/net_realized_pnl.json").read_bytes())).rows
    assert rows.row(2) == (date(2025, 3, 5), -112500000.5)


def test_the_date_has_either_of_two_names() -> None:
    one, other = ({name: "2026-01-01", "unixTs": "1767225600", "mvrv": "1.6"} for name in ("d", "theDay"))
    assert RATIO.read(sent([one], "mvrv")).rows.equals(RATIO.read(sent([other], "mvrv")).rows)


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("ratio", {"d": "2026-01-01", "sopr": "101.25"}, "above 50"),  # in percent
        ("realized_price", {"d": "2026-01-01", "realizedPrice": "5550000"}, "above 1e+06"),  # in cents
        ("net_realized_pnl", {"d": "2026-01-01", "nrplUsd": "-1e17"}, "below"),
        ("ratio", {"d": "2026-01-01", "sopr": "1,01"}, "no number"),
        ("ratio", {"d": "1767225600", "sopr": "1.01"}, "metric_date"),
        ("ratio", {"d": "2026-06-01", "sopr": "1.01"}, "future"),
    ],
)
def test_a_row_that_cannot_be_believed_is_refused(name: str, row: dict[str, object], reason: str) -> None:
    parsed = BY_NAME[name].read(sent([row]))
    assert parsed.rows.is_empty()
    assert reason in parsed.rejects[0].reason


def test_an_empty_answer_has_no_rows_and_a_blank_figure_is_null() -> None:
    assert RATIO.read(sent([])).rows.schema == RATIO.schema
    assert RATIO.read(sent([{"d": "2026-01-01", "sopr": ""}])).rows["value"].to_list() == [None]


@pytest.mark.parametrize("content", [[{"d": "2026-01-01", "value": "1"}], [{"sopr": "1"}], {"data": []}])
def test_another_layout_is_refused_as_a_whole(content: object) -> None:
    with pytest.raises(SourceError) as caught:
        RATIO.read(sent(content))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b'{"error":{"code":"RATE_LIMIT_DAY_EXCEEDED","message":"15 requests a day"}}', Failure.QUOTA),
        (b'{"code":"RATE_LIMIT_HOUR_EXCEEDED"}', Failure.THROTTLED),
        (b"RATE_LIMIT_DAY_EXCEEDED", Failure.QUOTA),
    ],
)
def test_a_used_up_allowance_is_not_asked_again_in_the_same_run(body: bytes, failure: Failure) -> None:
    with (
        scripted(answer(body, "429 Too Many Requests")) as server,
        Session(PROVIDER, upstream=server.base_url) as session,
        pytest.raises(SourceError) as caught,
    ):
        list(RATIO.fetch(session, Window.of_dates(date(2026, 1, 1), date(2026, 1, 2))))
    assert caught.value.failure is failure
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("name", "paths", "first"),
    [
        ("ratio", ["mvrv", "sopr"], ("mvrv", date(2026, 1, 29), 1.5)),
        ("realized_price", ["realized-price"], (date(2026, 1, 29), 60_000.0)),
        ("net_realized_pnl", ["nrpl-usd"], (date(2026, 1, 29), -5e8)),
    ],
)
def test_each_dataset_asks_for_its_own_metrics_and_gets_days_of_a_week_ago(
    tmp_path: Path, name: str, paths: list[str], first: tuple[object, ...]
) -> None:
    figures = {"mvrv": 1.5, "sopr": 0.99, "realized_cap_usd": 1.2e12, "supply_btc": 2e7}
    figures |= {"realized_loss_usd": 1e9, "realized_profit_usd": 5e8}
    days = [{"date": date(2026, 1, 20 + n)} | figures for n in range(12)]
    market = write_table(tmp_path, "onchain_1d", days)
    with asking(BY_NAME[name], market, datetime(2026, 2, 7, 0, 50), stand_in.ROUTES) as (session, server):
        rows = rows_of(BY_NAME[name], session, Window.of_dates(date(2026, 1, 29), date(2026, 2, 7)))
    assert [request.path for request in server.requests] == [f"v1/{path}" for path in paths]
    assert server.requests[0].params == {"startday": "2026-01-29", "endday": "2026-02-07"}
    assert rows.row(0) == first
    assert rows["metric_date"].max() == date(2026, 1, 30)  # known on the 7th at 00:40, and a week late
