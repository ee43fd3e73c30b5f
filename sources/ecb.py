"""European Central Bank: euro reference rates of the six currencies that make the US dollar index.

Fixed at 14:15 Frankfurt and out about 16:00, on days on which the TARGET payment system is open; in practice never
revised. Free to reuse with the source named. From them follows a dollar index without a vendor: the index of ICE weighs
the same six currencies by published weights. It is a series of its own, for the fixing is seven hours before New York's
close: of the five-day change it differs by 0.45 points (standard deviation), of the one-day change by too much.

Oddities: a request for days without any rate is answered with an error, so a week more is asked for. The SDMX table has
a line with an empty value for a holiday. The site's own files (saved by hand) are wide, a column a currency: newest
first, ISO dates and `N/A` in the history, blanks in the header and `30 October 2026` in the file of the newest day.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import polars as pl

from sources.core.dataset import Bucket, Calendar, Column, Dataset, Provider, Window
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import GENESIS, require, strict_csv, strict_text, typed
from sources.core.payload import Parsed, Payload

CURRENCIES = ("USD", "JPY", "GBP", "CAD", "SEK", "CHF")
URL = f"https://data-api.ecb.europa.eu/service/data/EXR/D.{'+'.join(CURRENCIES)}.EUR.SP00.A"
LONGEST_HOLIDAY = timedelta(days=7)

PROVIDER = Provider(
    name="ecb",
    title="European Central Bank",
    home="https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/",
    hosts=("data-api.ecb.europa.eu",),
    requests_per_minute=20,
    licence="free to reuse, source: ECB",
    may_republish=True,
    described_by=specification(
        "https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates"
    ),
    recorded={
        "reference_rate": "ecb/eurofxref_20261030.csv",
    },
)

COLUMNS: Mapping[str, Column] = {
    "rate_date": Column(pl.Date, "TARGET day", "Day of the fixing."),
    "currency": Column(pl.String, "ISO 4217", "Currency that is priced: USD, JPY, GBP, CAD, SEK or CHF."),
    # No currency of the six has left these bounds since 2009; a rate in hundreds or the wrong way round does.
    "units_per_eur": Column(
        pl.Float64, "units a euro", "Units of the currency for one euro.", minimum=0.5, maximum=400
    ),
}


def fetch_reference_rate(session: Session, window: Window) -> Iterator[Payload]:
    """One table of the six currencies."""
    params = {
        "startPeriod": (window.start - LONGEST_HOLIDAY).date().isoformat(),
        "endPeriod": (window.end - timedelta(microseconds=1)).date().isoformat(),
        "format": "csvdata",
    }
    yield session.get(URL, params, accept=("text/csv", "application/vnd.sdmx.data+csv"))


def read_reference_rate(payload: Payload) -> Parsed:
    """One row a day and currency. Raises CHANGED_LAYOUT for a table of other rates or without one of the currencies."""
    first_cell = strict_text(payload).lstrip().partition(",")[0]
    return _read_wide(payload) if first_cell.strip() == "Date" else _read_sdmx(payload)


def _read_sdmx(payload: Payload) -> Parsed:
    table = strict_csv(payload, header=("KEY", "CURRENCY", "TIME_PERIOD", "OBS_VALUE"))
    records = []
    for line in table.records:
        key = f"EXR.D.{line['CURRENCY']}.EUR.SP00.A"
        require(line["KEY"] == key, f"{payload.url} sent {line['KEY']!r:.80} where {key} was asked for.")
        if line["OBS_VALUE"]:
            records.append(_record(line["TIME_PERIOD"], line["CURRENCY"], line["OBS_VALUE"]))
    records = [record for record in records if record["currency"] in CURRENCIES]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="rate_date", rejects=table.rejects)


def _read_wide(payload: Payload) -> Parsed:
    table = strict_csv(payload, header=("Date", *CURRENCIES))
    records = [
        _record(day, currency, line[currency])
        for line in table.records
        if not isinstance(day := _day(line["Date"]), date) or day >= GENESIS.date()
        for currency in CURRENCIES
        if line[currency] != "N/A"
    ]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="rate_date", rejects=table.rejects)


def _record(day: object, currency: str, value: str) -> dict[str, object]:
    return {"rate_date": day, "currency": currency, "units_per_eur": value}


def _day(text: str) -> date | str:
    for layout in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text, layout).date()
        except ValueError:
            continue
    return text


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="reference_rate",
        bucket=Bucket.MACRO,
        description="Euro reference rates of the six currencies of the US dollar index.",
        columns=COLUMNS,
        key=("rate_date", "currency"),
        observed="rate_date",
        period=timedelta(hours=13, minutes=15),  # 14:15 Frankfurt, in winter
        publication_lag=timedelta(hours=2),
        fetch=fetch_reference_rate,
        read=read_reference_rate,
        calendar=Calendar.US_TRADING,  # closed on other days than TARGET, about as many
    ),
)
