"""FRED, Federal Reserve Bank of St. Louis: the same series as the graph download, from the API. Needs a free key.

For those whose address the graph download stalls on. Lags and rights are those of `fred`. The API takes its key in the
address only, so it is added when a request is sent and stands in no landing file, log or error.

Oddities: values are text and `.` means none; `realtime_start` is the day of asking, not the day of publication; an
unknown series and a wrong key are both HTTP 400; without `file_type` the answer is XML, which is read too.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial

import polars as pl
from lxml import etree

from sources.core.dataset import Bucket, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.paging import by_offset
from sources.core.parsing import or_null, part, require, strict_json, strict_text, strict_xml, typed
from sources.core.payload import Parsed, Payload
from sources.fred import SERIES

URL = "https://api.stlouisfed.org/fred/series/observations"
PAGE = 100_000  # the largest that is allowed, and the default
_WRONG_KEY = "api_key"


def check(payload: Payload) -> None:
    """Raise SourceError for the API's error object: BAD_KEY when it is about the key, else REFUSED."""
    if payload.status == 400 and payload.body.lstrip().startswith(b"{"):
        answer = strict_json(payload)
        message = str(answer.get("error_message", "")) if isinstance(answer, dict) else ""
        failure = Failure.BAD_KEY if _WRONG_KEY in message else Failure.REFUSED
        raise SourceError(failure, f"FRED answered: {message:.200}")


PROVIDER = Provider(
    name="fred_api",
    title="FRED API, St. Louis Fed",
    home="https://fred.stlouisfed.org/docs/api/fred/",
    hosts=("api.stlouisfed.org",),
    requests_per_minute=100,  # about 120 are allowed
    licence="per series: H.15 and H.10 public domain, indices copyrighted",
    may_republish=False,
    key_parameter="api_key",
    check=check,
    described_by=specification("https://fred.stlouisfed.org/docs/api/fred/series_observations.html"),
    recorded={
        "observation": "fred/series_observations_DFII10_desc.json",
    },
)

COLUMNS: Mapping[str, Column] = {
    "series_id": Column(pl.String, "FRED id", "Series, such as DGS10."),
    "observation_date": Column(pl.Date, "trading date", "Date that the value describes."),
    "value": Column(pl.Float64, "% or index points", "The value; null on a holiday.", nullable=True),
}


def fetch_observation(session: Session, window: Window) -> Iterator[Payload]:
    """Each series, in as many pages as its answer says there are."""
    for series in SERIES:
        params = {
            "series_id": series,
            "file_type": "json",
            "observation_start": window.start.date().isoformat(),
            "observation_end": (window.end - timedelta(microseconds=1)).date().isoformat(),
            "limit": PAGE,
        }
        yield from by_offset(partial(_ask, session, params), _rows, total=_total)


def _ask(session: Session, params: Mapping[str, object], offset: int) -> Payload:
    return session.get(URL, {**params, "offset": offset})


def _rows(payload: Payload) -> int:
    return len(part(strict_json(payload), "observations", where=payload.url))


def _total(payload: Payload) -> int:
    """How many rows the answer says that there are in all its pages."""
    return int(part(strict_json(payload), "count", kind=int, where=payload.url))


def read_observation(payload: Payload) -> Parsed:
    """One row a date of one series. Raises CHANGED_LAYOUT when neither request nor file name says which series."""
    check(payload)
    series = payload.params.get("series_id") or payload.url.rpartition("/")[2].partition(".")[0]
    require(
        series in SERIES,
        f"{payload.url} does not say which series it holds; a file saved by hand is named after one of: "
        f"{', '.join(SERIES)}.",
    )
    records = [
        {"series_id": series, "observation_date": observation.get("date"), "value": or_null(value, ".")}
        for observation in _observations(payload)
        if (value := observation.get("value")) is not None
    ]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="observation_date")


def _observations(payload: Payload) -> list[Mapping[str, object]]:
    if strict_text(payload).lstrip().startswith("<"):
        root = strict_xml(payload)
        require(etree.QName(root).localname == "observations", f"{payload.url}: no element `observations`.")
        return [{name: element.get(name) for name in ("date", "value")} for element in root.iter("observation")]
    answer = part(strict_json(payload), "observations", where=payload.url)
    require(all(isinstance(entry, dict) and "value" in entry for entry in answer), f"{payload.url}: no value in a row.")
    return list(answer)


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="observation",
        bucket=Bucket.MACRO,
        description="Treasury yields, stock indices, VIX and the broad dollar index, from the API.",
        columns=COLUMNS,
        key=("series_id", "observation_date"),
        observed="observation_date",
        period=timedelta(days=1),
        publication_lag=timedelta(days=3),
        fetch=fetch_observation,
        read=read_observation,
        calendar=Calendar.US_TRADING,
        reread=timedelta(days=14),
        may_be_empty=True,
    ),
)
