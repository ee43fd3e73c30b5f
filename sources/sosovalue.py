"""SoSoValue: daily net inflow of all US spot Bitcoin funds together, in US dollars.

Needs a key (header x-soso-api-key); the free one allows 20 requests a minute and 100 000 a month and reaches back about
a month. Figures are out in the morning after a trading date and agree with Farside's on most dates, not on all:
cut-offs and funds differ, so the two are never put into one series. Redistribution is not granted.

Oddities: newest first; a date may stand there up to three times, the later ones being the week's and the month's sums,
which no field tells apart from the day's. The day's row comes first and has the smallest turnover; where the two
signs disagree nothing of the date is believed. No field says whether all funds have reported, so a date is left out
until 10:00 UTC of the next day. `cum_net_inflow` is not always the running sum on dates that were revised. A monthly
quota that is used up comes as HTTP 429 too, and is not asked again.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

import polars as pl

from sources.core.dataset import Bucket, Cadence, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import part, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload, Reject
from sources.core.time_windows import DAY

URL = "https://openapi.sosovalue.com/openapi/v1/etfs/summary-history"
MOST_ROWS = 300
REPORTED_AFTER = timedelta(days=1, hours=10)  # from the beginning of the trading date; complete on most mornings

ERRORS: Mapping[str, Failure] = {"400101": Failure.BAD_KEY, "402901": Failure.QUOTA}
FIELDS: Mapping[str, str] = {
    "net_inflow_usd": "total_net_inflow",
    "value_traded_usd": "total_value_traded",
    "net_assets_usd": "total_net_assets",
    "cumulative_net_inflow_usd": "cum_net_inflow",
}


def check(payload: Payload) -> None:
    """Raise SourceError for every code but 0."""
    content = strict_json(payload)
    code = content.get("code") if isinstance(content, dict) else None
    if code is not None and str(code) != "0":
        otherwise = Failure.THROTTLED if payload.status == 429 else Failure.REFUSED
        what = f"SoSoValue error {code}: {content.get('message')}"
        raise SourceError(ERRORS.get(str(code), otherwise), f"{what.rstrip('.')}.")


PROVIDER = Provider(
    name="sosovalue",
    title="SoSoValue",
    home="https://sosovalue.gitbook.io/soso-value-api-doc",
    hosts=("openapi.sosovalue.com",),
    requests_per_minute=15,  # documented: 20
    licence="SoSoValue terms; redistribution not granted",
    may_republish=False,
    key_header="x-soso-api-key",
    check=check,
    described_by=specification("https://sosovalue.gitbook.io/soso-value-api-doc"),
    recorded={
        "etf_flow": "sosovalue/etfs_summary-history_btc.json",
    },
)


def fetch_etf_flow(session: Session, window: Window) -> Iterator[Payload]:
    """As many rows back from today as hold the window, the weeks' and months' sums among them."""
    days = (session.now() - window.start) // DAY + 1
    yield session.get(URL, {"symbol": "BTC", "country_code": "US", "limit": min(2 * days, MOST_ROWS)})


def read_etf_flow(payload: Payload) -> Parsed:
    """One row a trading date that has been reported; sums of weeks and months are passed over."""
    check(payload)  # once more, for answers that were saved by hand
    rows = [row if isinstance(row, dict) else {} for row in part(strict_json(payload), "data", where=payload.url)]
    require_in_some(rows, ("date", *FIELDS.values()), payload.url)
    records: list[Mapping[str, object]] = []
    rejects: list[Reject] = []
    for day, repeated in groupby(rows, key=lambda row: row.get("date")):
        same_date = list(repeated)
        if not _is_reported(day, payload):
            continue
        if not _is_smallest(same_date):
            rejects.append(Reject("no telling the day's row from the week's and the month's", str(same_date)))
            continue
        records.append({"trade_date": day} | {column: same_date[0].get(field) for column, field in FIELDS.items()})
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="trade_date", rejects=rejects)


def _is_reported(day: object, payload: Payload) -> bool:
    """Whether most funds have reported a date by now. True for what is no date: `typed` has to refuse that."""
    try:
        began = datetime.combine(date.fromisoformat(str(day)), time(), UTC)
    except ValueError:
        return True
    # A date beyond tomorrow is no early row but an error.
    return payload.fetched_at >= began + REPORTED_AFTER or began > payload.fetched_at + DAY


def _is_smallest(same_date: list[dict[str, Any]]) -> bool:
    """Whether the first row of a date has the smallest turnover of them."""
    traded = [row.get("total_value_traded") for row in same_date]
    numbers = [value for value in traded if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(same_date) == 1 or (len(numbers) == len(traded) and numbers[0] == min(numbers))


def _money(description: str, minimum: float, maximum: float, *, nullable: bool = True) -> Column:
    return Column(pl.Float64, "USD", description, nullable=nullable, minimum=minimum, maximum=maximum)


COLUMNS: Mapping[str, Column] = {
    "trade_date": Column(pl.Date, "New York trading date", "Date that the flow belongs to."),
    "net_inflow_usd": _money("Net inflow of all funds.", -100e9, 100e9, nullable=False),
    # Billions are traded every day and more than 20 are held: a smaller figure would be in millions.
    "value_traded_usd": _money("Shares traded on the date.", 1e7, 1e12),
    "net_assets_usd": _money("Net assets of all funds at the end of the date.", 1e9, 1e13),
    "cumulative_net_inflow_usd": _money("Net inflow since the first date, as printed.", -1e13, 1e13),
}

DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="etf_flow",
        bucket=Bucket.FLOWS,
        description="Net inflow of all US spot Bitcoin funds together, per trading date, with turnover and net assets.",
        columns=COLUMNS,
        key=("trade_date",),
        observed="trade_date",
        period=DAY,
        publication_lag=timedelta(hours=12),
        fetch=fetch_etf_flow,
        read=read_etf_flow,
        cadence=Cadence.ETF,
        calendar=Calendar.US_TRADING,
        final_after=timedelta(hours=12),
        depth=timedelta(days=30),
        reread=timedelta(days=5),  # always the last three trading dates
    ),
)
