"""FRED, Federal Reserve Bank of St. Louis: rates, indices and the broad dollar, from the keyless graph download.

Index levels of a trading date are there the next morning, H.15 rates by 22:50 UTC of the next *business* day (first
seen 22:50-23:40, August 2026), the broad dollar on the Monday after the week. One lag has to hold for all: three days
after the date ends, the upper bound for a Friday over a plain weekend. Only the weekly DTWEXBGS comes later, up to
eight days, so its assumed publication times are too early; nothing as-known may be built on it.
Rights are per series: H.15 and H.10 are public domain, the indices are their publishers'.

Oddities: the header was `DATE` with `.` for a missing value until 2024, and is `observation_date` with an empty value
since; holidays are there without a value, weekends are not; several series in one request are resampled to the lowest
frequency, so each is asked for alone; an unknown or withdrawn series gives a web page. SP500 and DJIA reach back ten
years only.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import polars as pl

from sources.core.dataset import Bucket, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import recording
from sources.core.http import Session
from sources.core.parsing import or_null, require, strict_csv, strict_text, typed
from sources.core.payload import Parsed, Payload

URL = "https://fred.stlouisfed.org/graph/fredgraph.csv"
SERIES = ("DGS2", "DGS10", "DFII10", "NASDAQCOM", "SP500", "DJIA", "NASDAQSOX", "VIXCLS", "DTWEXBGS")
DATE_NAMES = ("observation_date", "DATE")

PROVIDER = Provider(
    name="fred",
    title="FRED, St. Louis Fed",
    home="https://fred.stlouisfed.org",
    hosts=("fred.stlouisfed.org",),
    requests_per_minute=60,
    licence="per series: H.15 and H.10 public domain, indices copyrighted",
    may_republish=False,
    described_by=recording("fred/fredgraph_DTWEXBGS.csv"),
    recorded={
        "observation": "fred/fredgraph_DTWEXBGS.csv",
    },
)

COLUMNS: Mapping[str, Column] = {
    "series_id": Column(pl.String, "FRED id", "Series, such as DGS10."),
    "observation_date": Column(pl.Date, "trading date", "Date that the value describes."),
    "value": Column(pl.Float64, "% or index points", "The value; null on a holiday.", nullable=True),
}


def fetch_observation(session: Session, window: Window) -> Iterator[Payload]:
    """One answer a series. A series that is gone is reported after the others were fetched."""
    gone: SourceError | None = None
    for series in SERIES:
        params = {
            "id": series,
            "cosd": window.start.date().isoformat(),
            "coed": (window.end - timedelta(microseconds=1)).date().isoformat(),  # inclusive
        }
        try:
            yield session.get(URL, params, accept=("text/csv", "application/csv"))
        except SourceError as error:
            if error.failure not in (Failure.BLOCKED, Failure.MOVED):  # a web page instead of a file looks blocked
                raise
            gone = gone or error
    if gone is not None:
        raise gone


def read_observation(payload: Payload) -> Parsed:
    """One row a date of one series. Raises SourceError when the file holds another series, or several."""
    first_line = strict_text(payload).lstrip().partition("\n")[0]
    names = [name.strip().strip('"') for name in first_line.split(",")]
    asked = payload.params.get("id", names[-1])
    is_known = len(names) == 2 and names[0] in DATE_NAMES and names[1] == asked
    require(is_known, f"{payload.url}: header {first_line.strip()[:200]!r} where {DATE_NAMES[0]},{asked} was expected.")
    table = strict_csv(payload, header=names)
    records = [
        {"series_id": asked, "observation_date": line[names[0]], "value": or_null(line[asked], "", ".")}
        for line in table.records
    ]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="observation_date", rejects=table.rejects)


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="observation",
        bucket=Bucket.MACRO,
        description="Treasury yields, stock indices, VIX and the broad dollar index.",
        columns=COLUMNS,
        key=("series_id", "observation_date"),
        observed="observation_date",
        period=timedelta(days=1),
        publication_lag=timedelta(days=3),
        fetch=fetch_observation,
        read=read_observation,
        calendar=Calendar.US_TRADING,
        reread=timedelta(days=14),  # whole weeks of the broad dollar come late
        may_be_empty=True,
    ),
)
