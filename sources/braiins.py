"""Braiins Insights: hashprice, hashrate and fees of the network at the moment of asking. Keyless.

A plausibility band for what is computed here, and no more: hashprice is printed to three decimals of a dollar a
terahash, which is good to 1.3 %, and the answer bears no time. The address redirects to another host of the publisher.
No terms are stated for the numbers.

Oddities: parameters are ignored, anything but GET is refused; hashprice is a terahash's, a thousandth of a petahash's.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import polars as pl

from sources.core.dataset import INSTANT, Access, Bucket, Column, Dataset, Provider, Window
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import part, require_names, strict_json, typed
from sources.core.payload import Parsed, Payload

URL = "https://insights.braiins.com/api/v1.0/hashrate-stats"
TERAHASHES_PER_PETAHASH = 1_000

PROVIDER = Provider(
    name="braiins",
    title="Braiins Insights",
    home="https://insights.braiins.com",
    hosts=("insights.braiins.com", "learn.braiins.com"),
    requests_per_minute=6,
    licence="Terms for the numbers not stated",
    may_republish=False,
    described_by=specification("https://insights.braiins.com/api/docs"),
    recorded={
        "hashrate_stat": "braiins/hashrate-stats.json",
    },
)

FIELDS: Mapping[str, str] = {
    "hashrate_ehs": "current_hashrate",
    "hashrate_30d_ehs": "hash_rate_30",
    "fees_pct": "fees_percent",
    "mean_fees_btc": "avg_fees_per_block",
    "revenue_usd": "rev_usd",
}


def fetch_hashrate_stat(session: Session, window: Window) -> Iterator[Payload]:
    """The figures at this moment, whatever the window."""
    yield session.get(URL)


def read_hashrate_stat(payload: Payload) -> Parsed:
    """One row, stamped with the moment of asking. Raises SourceError when a field is missing."""
    sent = part(strict_json(payload), kind=dict, where=payload.url)
    require_names(sent, ("hash_price", *FIELDS.values()), payload.url)
    price = sent["hash_price"]
    is_number = isinstance(price, int | float) and not isinstance(price, bool)
    record = {
        "observed_at": payload.fetched_at,
        # Six places: only float noise is cut.
        "hashprice_usd_ph_day": round(price * TERAHASHES_PER_PETAHASH, 6) if is_number else price,
        **{column: sent[field] for column, field in FIELDS.items()},
    }
    return typed([record], COLUMNS, fetched_at=payload.fetched_at, observed="observed_at", sent=[sent])


def _figure(unit: str, description: str, minimum: float, maximum: float) -> Column:
    return Column(pl.Float64, unit, description, minimum=minimum, maximum=maximum)


# Bounds of today's network, since only today's is ever asked for: a figure in another unit is a thousand times off.
COLUMNS: Mapping[str, Column] = {
    "observed_at": Column(INSTANT, "UTC", "Moment of asking."),
    "hashprice_usd_ph_day": _figure("USD/PH/s/day", "What a petahash a second earns in a day, to 1 USD.", 1, 1_000),
    "hashrate_ehs": _figure("EH/s", "Estimated hashrate.", 50, 50_000),
    "hashrate_30d_ehs": _figure("EH/s", "Mean hashrate of 30 days.", 50, 50_000),
    "fees_pct": _figure("%", "Share of fees in the reward.", 0, 100),
    "mean_fees_btc": _figure("BTC", "Mean fees of a block.", 0, 100),
    "revenue_usd": _figure("USD", "Revenue of all miners in a day.", 1e6, 1e9),
}

DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="hashrate_stat",
        bucket=Bucket.MINING,
        description="Hashprice (rounded), hashrate and fees of the network at the moment of asking.",
        columns=COLUMNS,
        key=("observed_at",),
        observed="observed_at",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_hashrate_stat,
        read=read_hashrate_stat,
        access=Access.NOW,
        fresh_for=timedelta(days=3),
    ),
)
