"""Luxor's Hashrate Index: hashprice in dollars and in coins, over GraphQL.

Needs a key (header x-hi-api-key) of a paid tier. Hashprice is what a petahash a second is expected to earn in a day,
from the difficulty, the subsidy, the mean fees of 144 blocks and the mean price on three US venues. Redistribution is
not granted.

Oddities: errors come with HTTP 200, in `errors`; how far apart the points are hangs on the interval that is asked for;
years ago figures were a terahash's, a thousandth of a petahash's. No recording could be had, so shapes follow the
publisher's pages.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

import polars as pl

from sources.core.dataset import INSTANT, Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import part, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload

URL = "https://api.hashrateindex.com/graphql"
# How far back each interval reaches, in days at least.
INTERVALS: Mapping[str, int] = {"_7_DAYS": 7, "_1_MONTH": 28, "_3_MONTHS": 89, "_1_YEAR": 365}
MOST_POINTS = 10_000
QUERY = (
    "query($interval: ChartsInterval!, $first: Int!) { getHashprice(inputInterval: $interval, first: $first) "
    "{ nodes { timestamp usdHashprice btcHashprice } } }"
)
_KEY = re.compile(r"api.?key|unauthori[sz]ed|unauthenticated|forbidden|not authenticated", re.IGNORECASE)
_OFTEN = re.compile(r"too many|rate.?limit", re.IGNORECASE)


def check(payload: Payload) -> None:
    """Raise SourceError for an answer that lists errors, whatever its status."""
    content = strict_json(payload)
    errors = content.get("errors") if isinstance(content, dict) else None
    if errors:
        said = json.dumps(errors, ensure_ascii=False)
        first = errors[0] if isinstance(errors, list) else errors
        message = first.get("message") if isinstance(first, dict) else first
        otherwise = Failure.THROTTLED if _OFTEN.search(said) else Failure.REFUSED
        raise SourceError(Failure.BAD_KEY if _KEY.search(said) else otherwise, f"Luxor says: {str(message)[:200]}.")


PROVIDER = Provider(
    name="luxor",
    title="Luxor Hashrate Index",
    home="https://docs.luxor.tech",
    hosts=("api.hashrateindex.com",),
    requests_per_minute=20,
    licence="Luxor terms; redistribution not granted",
    may_republish=False,
    key_header="x-hi-api-key",
    check=check,
    described_by=specification("https://docs.luxor.tech/hashrateindex/api"),
)


def fetch_hashprice(session: Session, window: Window) -> Iterator[Payload]:
    """The shortest interval that reaches back to the window's start."""
    days = (session.now() - window.start) / timedelta(days=1)
    interval = next((name for name, reach in INTERVALS.items() if days <= reach), "ALL")
    yield session.post(URL, {"query": QUERY, "variables": {"interval": interval, "first": MOST_POINTS}})


def read_hashprice(payload: Payload) -> Parsed:
    """One row a point."""
    check(payload)  # once more, for answers that were saved by hand
    nodes = part(strict_json(payload), "data", "getHashprice", "nodes", where=payload.url)
    nodes = [node if isinstance(node, dict) else {} for node in nodes]
    require_in_some(nodes, ("timestamp", "usdHashprice", "btcHashprice"), payload.url)
    records = [
        {
            "priced_at": node.get("timestamp"),
            "hashprice_usd_ph_day": node.get("usdHashprice"),
            "hashprice_btc_ph_day": node.get("btcHashprice"),
        }
        for node in nodes
    ]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="priced_at", sent=nodes)


# Since 2016 between 25 and 4 000 dollars; a terahash's would be below 1.
COLUMNS: Mapping[str, Column] = {
    "priced_at": Column(INSTANT, "UTC", "Time of the point."),
    "hashprice_usd_ph_day": Column(
        pl.Float64, "USD/PH/s/day", "What a petahash a second earns in a day.", minimum=5, maximum=5_000
    ),
    "hashprice_btc_ph_day": Column(pl.Float64, "BTC/PH/s/day", "The same in coins.", minimum=1e-5, maximum=10),
}

DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="hashprice",
        bucket=Bucket.MINING,
        description="Hashprice of Luxor's index, in dollars and in coins.",
        columns=COLUMNS,
        key=("priced_at",),
        observed="priced_at",
        period=timedelta(0),
        publication_lag=timedelta(hours=1),
        fetch=fetch_hashprice,
        read=read_hashprice,
        fresh_for=timedelta(days=3),
    ),
)
