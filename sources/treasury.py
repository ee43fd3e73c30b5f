"""US Treasury: daily par yields, nominal and real, by tenor.

Published on business days after the 15:30 New York fixing, usually before 18:00. A work of the US government: public
domain.

The CSV has moved before, so where it is not to be had the same rows are read from the XML feed (its shape is from the
catalogue; no recording was at hand).

Oddities: one file a year and curve; newest day first; tenor columns came and went (2 Mo in 2018, 4 Mo in 2022,
1.5 Month in 2025), so they are read by name, and a blank means that the tenor did not exist; dates have four-digit or
two-digit years; the same tenor is `10 Yr` in one file and `10 YR` in the other. Real yields start at five years.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import polars as pl
from lxml import etree

from sources.core.dataset import Bucket, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import or_null, require, require_names, strict_csv, strict_text, strict_xml, typed
from sources.core.payload import Parsed, Payload

XML = "https://home.treasury.gov/resource-center/data-chart-center/interest-rates/pages/xml"
BASE = "https://home.treasury.gov/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv"
PAR_CURVE = "daily_treasury_yield_curve"
REAL_CURVE = "daily_treasury_real_yield_curve"

PROVIDER = Provider(
    name="treasury",
    title="US Treasury",
    home="https://home.treasury.gov/policy-issues/financing-the-government/interest-rate-statistics",
    hosts=("home.treasury.gov",),
    requests_per_minute=20,
    licence="public domain",
    may_republish=True,
    described_by=specification("https://home.treasury.gov/treasury-daily-interest-rate-xml-feed"),
    recorded={
        "par_yield": "treasury/daily-treasury-rates_2022-10.csv",
        "real_yield": "treasury/daily-treasury-rates_2022-10.csv",
    },
    unproven={
        "par_yield": "the XML feed",
        "real_yield": "the XML feed",
    },
)

COLUMNS: Mapping[str, Column] = {
    "quote_date": Column(pl.Date, "trading date", "Day of the 15:30 New York fixing."),
    "tenor": Column(pl.String, "months or years", "Constant maturity: 1m, 1.5m, 2m ... 2y, 10y, 30y."),
    "yield_pct": Column(pl.Float64, "% a year", "Par yield; null where the tenor did not exist.", nullable=True),
}

# With these the file is not where it was; an outage is none of them and is tried again.
GONE = frozenset({Failure.MOVED, Failure.BLOCKED, Failure.REFUSED, Failure.NOT_DATA})

_TENOR = re.compile(r"(?P<count>\d+(\.\d+)?) (?P<unit>mo|yr|month|year)s?", re.IGNORECASE)
_XML_TENOR = re.compile(r"(?:BC|TC)_(?P<count>\d+(?:_5)?)(?P<unit>MONTH|YEAR)")
METADATA = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"


def fetch_par_yield(session: Session, window: Window) -> Iterator[Payload]:
    """Nominal yields, one file a calendar year of the window."""
    return _fetch(session, window, PAR_CURVE)


def fetch_real_yield(session: Session, window: Window) -> Iterator[Payload]:
    """Inflation-protected yields, one file a calendar year of the window."""
    return _fetch(session, window, REAL_CURVE)


def read_yield(payload: Payload) -> Parsed:
    """One row a day and tenor. Raises SourceError when the dates or the ten-year column are missing."""
    if strict_text(payload).startswith("<"):
        return _read_xml(payload)
    table = strict_csv(payload, header=("Date",))
    records = [
        {"quote_date": _us_date(line["Date"]), "tenor": tenor, "yield_pct": or_null(line[label], "", "N/A")}
        for line in table.records
        for label, tenor in _tenors(line, payload.url).items()
    ]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="quote_date", rejects=table.rejects)


def _read_xml(payload: Payload) -> Parsed:
    """The Atom feed: an entry a day, an element a tenor (BC_ nominal, TC_ real)."""
    records: list[dict[str, object]] = []
    for properties in strict_xml(payload).iter(f"{{{METADATA}}}properties"):
        values = {etree.QName(element).localname: element.text for element in properties}
        tenors = {name: tenor for name in values if (tenor := _xml_tenor(name)) is not None}
        require_names([*values, *tenors.values()], ("NEW_DATE", "10y"), payload.url)
        records += [
            {"quote_date": str(values["NEW_DATE"]).partition("T")[0], "tenor": tenor, "yield_pct": values[name] or None}
            for name, tenor in tenors.items()
        ]
    require(bool(records), f"{payload.url} is a feed without an entry.")
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="quote_date")


def _xml_tenor(name: str) -> str | None:
    match = _XML_TENOR.fullmatch(name)
    return match["count"].replace("_", ".") + match["unit"][0].lower() if match else None


def _fetch(session: Session, window: Window, curve: str) -> Iterator[Payload]:
    last = window.end - timedelta(microseconds=1)
    for year in range(window.start.year, last.year + 1):
        params = {"type": curve, "field_tdr_date_value": year, "page": "", "_format": "csv"}
        try:
            page = session.get(f"{BASE}/{year}/all", params, accept=("text/csv",))
        except SourceError as error:
            if error.failure not in GONE:
                raise
            page = session.get(
                XML, {"data": curve, "field_tdr_date_value": year}, accept=("application/xml", "text/xml")
            )
        yield page


def _tenors(line: Mapping[str, str], url: str) -> dict[str, str]:
    """Our name of each tenor column, by the label in the file: `10 YR` is 10y."""
    matches = {label: _TENOR.fullmatch(label) for label in line}
    tenors = {label: match["count"] + match["unit"][0].lower() for label, match in matches.items() if match}
    require_names(tenors.values(), ("10y",), url)
    return tenors


def _us_date(text: str) -> date | str:
    for layout in ("%m/%d/%Y", "%m/%d/%y"):
        try:
            return datetime.strptime(text, layout).date()
        except ValueError:
            continue
    return text


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="par_yield",
        bucket=Bucket.MACRO,
        description="Nominal par yields of US Treasuries by tenor.",
        columns=COLUMNS,
        key=("quote_date", "tenor"),
        observed="quote_date",
        period=timedelta(hours=23),  # out by 18:00 New York, 23:00 UTC at the latest
        publication_lag=timedelta(0),
        fetch=fetch_par_yield,
        read=read_yield,
        calendar=Calendar.US_TRADING,
        may_be_empty=True,  # the first days of a year
    ),
    Dataset(
        provider=PROVIDER,
        name="real_yield",
        bucket=Bucket.MACRO,
        description="Real par yields of inflation-protected US Treasuries by tenor.",
        columns=COLUMNS,
        key=("quote_date", "tenor"),
        observed="quote_date",
        period=timedelta(hours=23),
        publication_lag=timedelta(0),
        fetch=fetch_real_yield,
        read=read_yield,
        calendar=Calendar.US_TRADING,
        may_be_empty=True,
    ),
)
