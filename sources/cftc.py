"""CFTC: Commitments of Traders in CME Bitcoin futures, weekly: who holds how many contracts. A US government work.

The positions are those of a Tuesday; they are published on Friday at 15:30 in New York, later after holidays and
shutdowns of the government, so no figure is known before its Friday.

Oddities: every value is text and an empty one is left out; the suffix `_all` comes and goes, so names are mapped one by
one; dates carry a time without a zone. Contracts are found by code, never by name: 133741 is Bitcoin of five bitcoin,
133742 Micro Bitcoin of a tenth, while names that hold BITCOIN also stand for Bitcoin Cash and for other exchanges.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial

import polars as pl

from sources.core.dataset import Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.paging import by_offset
from sources.core.parsing import own_rows, part, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.venues import DAY, fields, times

# Traders in Financial Futures, futures only.
REPORT = "https://publicreporting.cftc.gov/resource/gpe5-46if.json"
PAGE = 1000
CODES: Mapping[str, float] = {"133741": 5.0, "133742": 0.1}  # bitcoin a contract
# From the end of a Tuesday to Friday 15:30 in New York, in winter time.
PUBLICATION_LAG = timedelta(days=2, hours=20, minutes=30)

IDENTITY = ("report_date_as_yyyy_mm_dd", "cftc_contract_market_code", "open_interest_all")
_contracts = partial(Column, pl.Float64, "contracts", nullable=True, minimum=0)
POSITIONS: Mapping[str, str] = {
    "dealer_positions_long_all": "Dealers, long",
    "dealer_positions_short_all": "Dealers, short",
    "asset_mgr_positions_long": "Asset managers, long",
    "asset_mgr_positions_short": "Asset managers, short",
    "lev_money_positions_long": "Leveraged funds, long",
    "lev_money_positions_short": "Leveraged funds, short",
    "lev_money_positions_spread": "Leveraged funds, spreads",
}
# An empty value is left out, and a report of other columns has been recorded; these stand in every one of ours.
RECORDED = tuple(name for name in POSITIONS if name.startswith("lev_money"))
COLUMNS: Mapping[str, Column] = {
    "report_date": Column(pl.Date, "day", "The Tuesday that the positions are of."),
    "contract_code": Column(pl.String, "name", "133741 Bitcoin (5 BTC), 133742 Micro Bitcoin (0.1 BTC)."),
    "open_interest_contracts": Column(pl.Float64, "contracts", "Open contracts, each counted once.", minimum=0),
    "open_interest_btc": Column(pl.Float64, "BTC", "The same in bitcoin.", minimum=0),
    **{name.removesuffix("_all"): _contracts(f"{who}.") for name, who in POSITIONS.items()},
}


def check(payload: Payload) -> None:
    """Raise SourceError for an error sent in place of a list. One with 404 or 429 is left to its status."""
    answer = strict_json(payload)
    if isinstance(answer, dict) and answer.get("error") and payload.status in (200, 400):
        raise SourceError(Failure.REFUSED, f"CFTC answered with an error: {answer.get('message')!r:.200}.")


def fetch_position(session: Session, window: Window) -> Iterator[Payload]:
    """Reports of the window's days and of the week before, oldest first, both contracts on one page."""
    first, last = (window.start - 7 * DAY).date(), window.end.date()
    asked = {
        "$where": f"cftc_contract_market_code in ({', '.join(repr(code) for code in CODES)}) and "
        f"report_date_as_yyyy_mm_dd between '{first}' and '{last}'",
        "$order": "report_date_as_yyyy_mm_dd, cftc_contract_market_code",
        "$limit": PAGE,
    }
    yield from by_offset(
        lambda offset: session.get(REPORT, {**asked, "$offset": offset}),
        lambda payload: len(part(strict_json(payload), where=payload.url)),
    )


def read_position(payload: Payload) -> Parsed:
    """One row a report and contract. Other contracts are left out; raises CHANGED_LAYOUT when none is ours."""
    check(payload)  # once more, for answers that were saved by hand
    rows = part(strict_json(payload), where=payload.url)
    require_in_some(rows, (*IDENTITY, *RECORDED), payload.url)
    rows, left_out = own_rows(rows, "cftc_contract_market_code", tuple(CODES), payload.url)
    records = [_position(row) for row in rows]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="report_date", sent=rows, left_out=left_out)


def _position(entry: object) -> Mapping[str, object]:
    row = fields(entry, IDENTITY)
    day, code, contracts = (row[name] for name in IDENTITY)
    return {
        "report_date": day.removesuffix("T00:00:00.000") if isinstance(day, str) else day,
        "contract_code": code,
        "open_interest_contracts": contracts,
        "open_interest_btc": times(contracts, CODES.get(code)) if isinstance(code, str) else None,
        **{name.removesuffix("_all"): row.get(name) for name in POSITIONS},
    }


PROVIDER = Provider(
    name="cftc",
    title="CFTC",
    home="https://publicreporting.cftc.gov",
    hosts=("publicreporting.cftc.gov",),
    requests_per_minute=30,  # no figure is published; a token of one's own would lift the shared limit
    licence="work of the US government, in the public domain",
    may_republish=True,
    check=check,
    described_by=specification("https://dev.socrata.com/foundry/publicreporting.cftc.gov/gpe5-46if"),
    recorded={
        "position": "cftc/tff_futures_only_bitcoin_select.json",
    },
)

DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="position",
        bucket=Bucket.LEVERAGE,
        description="Weekly positions in CME Bitcoin and Micro Bitcoin futures by kind of trader.",
        columns=COLUMNS,
        key=("contract_code", "report_date"),
        observed="report_date",
        every=timedelta(days=7),
        period=DAY,
        publication_lag=PUBLICATION_LAG,
        fetch=fetch_position,
        read=read_position,
        fresh_for=timedelta(days=8),
        reread=timedelta(days=14),
    ),
)
