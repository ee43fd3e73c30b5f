"""Farside Investors: daily net flows of the US spot Bitcoin funds, fund by fund, in US dollars. Keyless web pages.

Out in the night after a trading date, fund by fund, mostly complete by 12:00 UTC and then never changed. No terms grant
redistribution. The site sits behind Cloudflare and may refuse an address; Leadline says who it is and does not evade.
A page saved by hand can be loaded with `leadline load`.

Two pages: the recent one (about 14 trading dates, three header rows) and all data since 2024-01-11 (one header row).
Oddities: figures are in millions; `-` is "not reported" and `0.0` is "no flow", and only the text tells them apart, not
the cell's class; negatives stand in parentheses; `Total` is the running sum of what has arrived, so it reads 0.0 while
every fund is `-`; the newest, incomplete row has a green background; rows without a date (Fee, Seed, Total, Average, …)
are about all history and are passed over; holidays were rows of dashes until 2025-06-19; a new fund is a new column and
not always the last one; the ticker BTC is a fund, not the coin.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import takewhile

import polars as pl
from lxml import etree, html

from sources.core.dataset import Access, Bucket, Cadence, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import recording
from sources.core.http import Session
from sources.core.parsing import require, require_names, strict_text, typed
from sources.core.payload import Parsed, Payload, Reject
from sources.core.time_windows import DAY

RECENT = "https://farside.co.uk/btc/"
ALL_DATA = "https://farside.co.uk/bitcoin-etf-flow-all-data/"
PAGE = ("text/html",)
# The recent page holds 13 or 14 trading dates; ten days are on it in any case, whatever the holidays.
RECENT_REACHES = timedelta(days=10)

# Funds by the first trading date on which their column must be there. A page without one of them has changed; a ticker
# that is not in this list is a new fund and is kept.
FIRST_DATE = date(2024, 1, 11)
FUNDS: Mapping[str, date] = {
    **dict.fromkeys(("IBIT", "FBTC", "BITB", "ARKB", "BTCO", "EZBC", "BRRR", "HODL", "BTCW", "GBTC"), FIRST_DATE),
    "BTC": date(2024, 7, 31),
    "MSBT": date(2026, 4, 8),
}
TOTAL = "TOTAL"
USD_PER_MILLION = 1_000_000
NOT_REPORTED = "-"

_CHALLENGE = re.compile(r"<title>\s*just a moment", re.IGNORECASE)
_TICKER = re.compile(r"[A-Z]{3,5}")
_MILLIONS = re.compile(r"(\()?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?(1)\))")
_FOOTERS = frozenset({"total", "average", "maximum", "minimum"})
_UNDATED = _FOOTERS | {"", "date", "fee", "seed"}
_HIGHLIGHT = re.compile(r"background(?:-color)?\s*:\s*#99ff99", re.IGNORECASE)

PROVIDER = Provider(
    name="farside",
    title="Farside Investors",
    home="https://farside.co.uk/btc/",
    hosts=("farside.co.uk",),
    requests_per_minute=6,
    licence="All rights reserved by the publisher; no terms stated",
    may_republish=False,
    described_by=recording("farside/btc_page_2026-07-04.html"),
    recorded={
        "etf_flow": "farside/btc_page_2026-07-04.html",
    },
    unproven={
        "etf_flow": "the page of all history",
    },
)


def fetch_etf_flow(session: Session, window: Window) -> Iterator[Payload]:
    """The recent page as it stands now; before it all data, when the window begins earlier than the recent page."""
    if session.now() - window.start > RECENT_REACHES:
        yield session.get(ALL_DATA, accept=PAGE)
    yield session.get(RECENT, accept=PAGE)


def read_etf_flow(payload: Payload) -> Parsed:
    """One row a trading date and fund, and one for the printed total (fund TOTAL); null where a dash stands.

    A row that was cut or has other cells than the header is refused. Raises SourceError: BLOCKED for a bot wall,
    CHANGED_LAYOUT with the difference when there is no table of funds or a known fund is missing from it.
    """
    text = strict_text(payload, html=True)
    if _CHALLENGE.search(text[:4_000]):
        raise SourceError(Failure.BLOCKED, f"{payload.url}: this is a bot wall's page, not the flows.")
    table, funds = _flow_table(text, payload)
    records: list[dict[str, object]] = []
    rejects: list[Reject] = []
    dates: list[date] = []
    is_whole = text.rstrip().endswith("</html>")
    for row in table.iter("tr"):
        label, *cells = [_text(cell) for cell in row.iter("td", "th")] or [""]
        known_label = label.rstrip("* ").lower()
        is_whole = is_whole or (bool(dates) and known_label in _FOOTERS)
        trade_date = _date(label)
        if trade_date is None:
            if known_label not in _UNDATED:
                rejects.append(Reject("a row without a trading date", " ".join([label, *cells])))
            continue
        if trade_date < FIRST_DATE:
            rejects.append(Reject(f"a trading date before {FIRST_DATE}", " ".join([label, *cells])))
            continue
        if len(cells) != len(funds):
            reason = f"{len(cells)} flows where the header has {len(funds)} funds"
            rejects.append(Reject(reason, " ".join([label, *cells])))
            continue
        dates.append(trade_date)
        is_highlighted = _HIGHLIGHT.search(row.get("style", "")) is not None
        records += [
            {"trade_date": trade_date, "fund": fund, "flow_usd": _usd(cell), "is_highlighted": is_highlighted}
            for fund, cell in zip(funds, cells, strict=True)
        ]
    require(bool(dates or not rejects), f"{payload.url} has a table of funds without a trading date.")
    required = [fund for fund, since in FUNDS.items() if since <= max(dates, default=FIRST_DATE)]
    require_names(funds, required, f"{payload.url}, funds")
    if records and not is_whole:
        # Nothing follows the last row, so its last figure may be half a figure.
        rejects.append(Reject("the page ends here; the row may be cut", str(records[-1]["trade_date"])))
        records = records[: -len(funds)]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="trade_date", rejects=rejects)


def _flow_table(text: str, payload: Payload) -> tuple[html.HtmlElement, list[str]]:
    """The table of flows and the tickers of its columns, the total as TOTAL: by class and header, not by position."""
    seen = []
    try:
        page = html.fromstring(text)
    except etree.ParserError:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent a page without content.") from None
    for table in page.iter("table"):
        headers = list(takewhile(lambda cells: _date(cells[0]) is None, map(_header, table.iter("tr"))))
        tickers = next((header for header in headers if "IBIT" in header), None)
        if "etf" in table.get("class", "").split() and tickers is not None:
            return table, _funds(tickers, headers, payload)
        seen.append(f"{table.get('class', 'no class')}: {' '.join(headers[0][:20]) if headers else 'no header'}")
    what = f"{payload.url} has no table of class 'etf' with a column IBIT; its tables: {'; '.join(seen) or 'none'}."
    raise SourceError(Failure.CHANGED_LAYOUT, what)


def _header(row: html.HtmlElement) -> list[str]:
    return [_text(cell) for cell in row.iter("td", "th")] or [""]


def _funds(tickers: Sequence[str], headers: Sequence[Sequence[str]], payload: Payload) -> list[str]:
    """Names of the columns after the date. On the recent page the word Total stands in another header row."""
    columns = list(tickers[1:])
    totals = {header.index("Total") for header in headers if "Total" in header[1:]}
    require(totals == {len(tickers) - 1}, f"{payload.url}: the column Total is not the last of {' '.join(tickers)}.")
    columns[-1] = TOTAL
    unknown = [name for name in columns[:-1] if not _TICKER.fullmatch(name)]
    require(not unknown, f"{payload.url}: headers that are no tickers: {', '.join(map(repr, unknown))}.")
    require(len(set(columns)) == len(columns), f"{payload.url}: a fund has two columns: {' '.join(columns)}.")
    return columns


def _text(cell: html.HtmlElement) -> str:
    return " ".join(cell.text_content().split())


def _date(label: str) -> date | None:
    try:
        return datetime.strptime(label.rstrip("* "), "%d %b %Y").date()
    except ValueError:
        return None


def _usd(cell: str) -> object:
    """Millions as printed in dollars, exactly; None for a dash; any other text as it is, to be refused."""
    if cell == NOT_REPORTED:
        return None
    match = _MILLIONS.fullmatch(cell)
    if match is None:
        return f"{cell!r} in millions"
    negative, whole, decimals = match.groups()
    return float(Decimal(whole.replace(",", "") + (decimals or "")) * USD_PER_MILLION * (-1 if negative else 1))


COLUMNS: Mapping[str, Column] = {
    "trade_date": Column(pl.Date, "New York trading date", "Date that the flow belongs to."),
    "fund": Column(pl.String, "ticker", "Fund, or TOTAL as printed: the sum of what had arrived."),
    # No fund has moved more than 2 billion in a day; a hundred would mean another unit.
    "flow_usd": Column(
        pl.Float64, "USD", "Net flow, null while not reported.", nullable=True, minimum=-100e9, maximum=100e9
    ),
    "is_highlighted": Column(pl.Boolean, "", "Whether the page marks the row as incomplete."),
}

DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="etf_flow",
        bucket=Bucket.FLOWS,
        description="Net flow of each US spot Bitcoin fund and trading date, and the total as printed.",
        columns=COLUMNS,
        key=("trade_date", "fund"),
        observed="trade_date",
        every=timedelta(days=1),
        period=DAY,
        publication_lag=timedelta(hours=12),
        fetch=fetch_etf_flow,
        read=read_etf_flow,
        access=Access.NOW,
        cadence=Cadence.ETF,
        calendar=Calendar.US_TRADING,
        final_after=timedelta(hours=12),  # now and then the largest fund comes in the afternoon
    ),
)
