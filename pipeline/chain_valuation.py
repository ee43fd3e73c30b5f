"""Cells of the chain valued day by day: realised figures, cost basis and ages. Rows are added and never changed.

A day is valued with the prices that were known when its figures were: its own price and, for each day on which coins
were created, the newest version by then. So a day's first row does not depend on when it is computed, and a build as of
an earlier instant sees what was known then. When blocks or the day's price change later, a further row follows.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb
import polars as pl

from analytics.cost_basis import AGE_BANDS_DAYS, ages, distribution, stock, unspent
from analytics.realised import (
    SATOSHI_CENTS,
    SATOSHI_CENTS_PER_DOLLAR,
    MissingPricesError,
    divided,
    dollars,
    flows,
    require_prices,
    sopr,
)
from chain.cells import SATOSHI_PER_BITCOIN
from chain.published import Cells
from pipeline.analytics_tables import CELLS_PUBLICATION_LAG, ensure_tables
from pipeline.plan import FIRST_HISTORY
from warehouse.database import Warehouse
from warehouse.tables import insert

# The first day with a price. Coins created before it cost nothing: nobody had paid for one on a market.
FIRST_PRICE_DAY = date(2010, 7, 18)
CENTS = 100
RAW = "raw"
OWN = "without self-transfers"


@dataclass(frozen=True)
class ValuationResult:
    """What one call added: days valued for the first time, valued again, and days that wait for prices."""

    new: int
    again: int
    waiting: int
    reason: str = ""  # why days wait, empty when none do


@dataclass(frozen=True)
class CoinMigration:
    """A day on which a known owner moved coins to itself: those created between two days, both included, if known."""

    moved_day: date
    created_from: date | None
    created_until: date | None


@dataclass(frozen=True)
class ValuationOptions:
    """What a person may choose: the width of price bins, where age bands begin, and which moves flows leave out."""

    bin_usd: int = 500
    age_bounds_days: tuple[int, ...] = AGE_BANDS_DAYS
    leave_out_own: bool = False
    migrations: tuple[CoinMigration, ...] = ()  # left out of flows

    @property
    def counted(self) -> str:
        """Which spent coins the flows count, as it is shown beside the figures."""
        parts = [OWN] if self.leave_out_own else []
        if self.migrations:
            parts.append("without known migrations")
        return ", ".join(parts) or RAW


def value(warehouse: Warehouse, cells: Cells, options: ValuationOptions, now: datetime) -> ValuationResult:
    """Value the closed days that have no row yet or whose blocks or price changed; a second call adds nothing."""
    connection = warehouse.connection
    with warehouse.transaction():
        ensure_tables(connection)
    wanted = _wanted(connection, cells, options, now.astimezone(UTC).replace(tzinfo=None))
    if wanted.is_empty():
        return ValuationResult(0, 0, 0)
    spent = pl.read_parquet(cells.spent)
    created = pl.read_parquet(cells.created)
    counted = _counted(spent, cells, options)
    versions = _price_versions(connection)
    added, waiting, reason = 0, 0, ""
    again = 0
    for days, prices in _vintages(wanted, versions):
        try:
            frames = _frames(days, counted, spent, created, _from_the_beginning(prices, created), cells, options)
        except MissingPricesError as error:
            waiting += days.height
            reason = loading(error)
            continue
        with warehouse.transaction():
            for name, frame in frames.items():
                insert(connection, f"analytics.{name}", frame)
        again += int(days["is_again"].sum())
        added += days.height - int(days["is_again"].sum())
    return ValuationResult(added, again, waiting, reason)


def value_of(
    connection: duckdb.DuckDBPyConnection, cells: Cells, day: date, options: ValuationOptions
) -> dict[str, pl.DataFrame]:
    """The rows of each table for one closed day, with the newest prices; nothing is stored.

    Cells that do not begin at the first block give `chain_day` only. Raises MissingPricesError.
    """
    spent, created = pl.read_parquet(cells.spent), pl.read_parquet(cells.created)
    newest = _price_versions(connection).group_by("day").agg(pl.col("price_cents").last()).sort("day")
    unstored = pl.DataFrame(
        {"day": [day], "cells_hash": [None], "known_at": [None], "known_at_basis": [None]},
        schema_overrides={"day": pl.Date},
    )
    frames = _frames(
        unstored, _counted(spent, cells, options), spent, created, _from_the_beginning(newest, created), cells, options
    )
    return {
        name: frame.drop("cells_hash", "known_at", "known_at_basis", strict=False) for name, frame in frames.items()
    }


def loading(error: MissingPricesError) -> str:
    """What is missing, and the command that brings it."""
    return (
        f"{error} Load the prices first: `leadline backfill --select coinmetrics --from {error.days[0]} --to "
        f"{error.days[-1]}`."
    )


def _wanted(
    connection: duckdb.DuckDBPyConnection, cells: Cells, options: ValuationOptions, now: datetime
) -> pl.DataFrame:
    """Days to value: day, cells_hash, known_at, known_at_basis, is_again; oldest first.

    The hash of a day covers the cells of all days up to it, whatever their order.
    """
    published = cells.published_at.astimezone(UTC).replace(tzinfo=None)
    return connection.execute(
        """
        with parts as (
            select greatest(created_day, spent_day) as day, sum(hash(created_day, spent_day, satoshi)) as part
            from read_parquet($spent) group by 1
            union all
            select created_day, sum(hash(created_day, satoshi)) from read_parquet($created) group by 1
        ),
        days as (
            select day, cast(sum(sum(part)) over (order by day) as varchar) as cells_hash
            from parts group by day
        ),
        first_day as (
            select min(created_day) + $skipped as day from read_parquet($created)
        ),
        prices as (
            select metric_date as day, min(known_at) as first_known_at, min_by(known_at_basis, known_at) as basis,
                max(known_at) filter (where is_new_price) as price_known_at
            from (
                select *, price_usd is distinct from lag(price_usd) over (partition by metric_date order by known_at)
                    as is_new_price
                from raw.coinmetrics__asset_metric where price_usd is not null
            )
            group by metric_date
        ),
        stored as (
            select day, max(known_at) as known_at, max_by(cells_hash, known_at) as cells_hash,
                max_by(counted, known_at) as counted
            from analytics.chain_day group by day
        ),
        joined as (
            select
                days.day,
                days.cells_hash,
                stored.day is not null as is_again,
                case
                    when stored.day is null
                        then greatest(
                            least($published, days.day + interval 1 day + to_seconds($lag_s)), prices.first_known_at
                        )
                    when prices.price_known_at > stored.known_at then prices.price_known_at
                    else $now
                end as known_at,
                case
                    when stored.day is not null then 'observed'
                    when prices.basis = 'assumed' or $published > days.day + interval 1 day + to_seconds($lag_s)
                        then 'assumed'
                    else 'observed'
                end as known_at_basis
            from days
            join prices using (day)
            left join stored using (day)
            cross join first_day
            where days.day between greatest(first_day.day, $last - $history) and $last
                and (
                    stored.day is null
                    or stored.cells_hash <> days.cells_hash
                    or stored.counted <> $counted
                    or prices.price_known_at > stored.known_at
                )
        )
        select * from joined order by day
        """,
        {
            "spent": str(cells.spent),
            "created": str(cells.created),
            "published": published,
            "now": now,
            "lag_s": CELLS_PUBLICATION_LAG.total_seconds(),
            "last": cells.reach.last_day,
            "history": FIRST_HISTORY.days,
            # A set that begins in the middle of the chain may hold only part of its first day.
            "skipped": 0 if cells.reach.is_whole else 1,
            "counted": options.counted,
        },
    ).pl()


def _price_versions(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every version of every price: day, price_cents, known_at, in order of known_at."""
    return connection.execute(
        """
        select metric_date as day, cast(round(price_usd * 100) as bigint) as price_cents, known_at,
            row_number() over (partition by metric_date order by known_at) as nth
        from raw.coinmetrics__asset_metric
        where price_usd is not null
        qualify price_usd is distinct from lag(price_usd) over (partition by metric_date order by known_at)
        order by known_at, day
        """
    ).pl()


def _vintages(wanted: pl.DataFrame, versions: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Days that see the same prices, with those prices. A price is seen from when it was known; first versions of later
    days make no difference to earlier ones, so only revisions part the days."""
    revisions = versions.filter(pl.col("nth") > 1)["known_at"].unique().sort().to_list()
    groups: dict[int, list[int]] = {}
    for row, known_at in enumerate(wanted["known_at"]):
        groups.setdefault(bisect_right(revisions, known_at), []).append(row)
    for _, rows in sorted(groups.items()):
        days = wanted[rows]
        seen = versions.filter(pl.col("known_at") <= days["known_at"].max())
        yield days, seen.group_by("day").agg(pl.col("price_cents").last()).sort("day")


def _from_the_beginning(prices: pl.DataFrame, created: pl.DataFrame) -> pl.DataFrame:
    """Prices with zero for the days on which coins were created before there was one."""
    before = created.filter(pl.col("created_day") < FIRST_PRICE_DAY).select(
        pl.col("created_day").alias("day"), pl.lit(0, pl.Int64).alias("price_cents")
    )
    return pl.concat([before, prices.filter(pl.col("day") >= FIRST_PRICE_DAY)])


def _counted(spent: pl.DataFrame, cells: Cells, options: ValuationOptions) -> pl.DataFrame:
    """Spent cells less what the chosen filters leave out of the flows. Stocks always count every coin."""
    counted = spent
    if options.leave_out_own and cells.own is not None:
        keys = ["created_day", "spent_day"]
        own = pl.read_parquet(cells.own).rename({"satoshi": "own_satoshi", "coins": "own_coins"})
        counted = (
            counted.join(own, on=keys, how="left")
            .with_columns(
                satoshi=pl.col("satoshi") - pl.col("own_satoshi").fill_null(0),
                coins=pl.col("coins") - pl.col("own_coins").fill_null(0),
            )
            .select(spent.columns)
        )
    for move in options.migrations:
        if move.created_from is not None and move.created_until is not None:
            moved = pl.col("created_day").is_between(move.created_from, move.created_until)
            counted = counted.filter(~(moved & (pl.col("spent_day") == move.moved_day)))
    return counted


def _without_unknown_moves(daily: pl.DataFrame, options: ValuationOptions) -> pl.DataFrame:
    """No reading of flows for days on which unknown coins moved to their own owner."""
    unknown = [move.moved_day for move in options.migrations if move.created_from is None]
    return daily.with_columns(
        pl.when(~pl.col("day").is_in(unknown)).then(pl.col(name)).alias(name)
        for name in ("realized_profit_usd", "realized_loss_usd", "sopr", "coin_days_destroyed", "spent_btc")
    )


def _frames(
    days: pl.DataFrame,
    counted: pl.DataFrame,
    spent: pl.DataFrame,
    created: pl.DataFrame,
    prices: pl.DataFrame,
    cells: Cells,
    options: ValuationOptions,
) -> dict[str, pl.DataFrame]:
    """The rows of each table for some days, all valued with the same prices."""
    chosen = days["day"].implode()
    effective_day = pl.max_horizontal("created_day", "spent_day")
    moved = flows(
        counted.filter(effective_day.is_in(chosen)), created.filter(pl.col("created_day").is_in(chosen)), prices
    )
    every = spent.filter(effective_day.is_in(chosen)).group_by(effective_day.alias("day")).agg(pl.col("satoshi").sum())
    known = days.select("day", "cells_hash", "known_at", "known_at_basis")
    daily = (
        known.join(moved, on="day", how="left")
        .join(every.rename({"satoshi": "gone_satoshi"}), on="day", how="left")
        .select(
            *known.columns,
            pl.lit(cells.reach.way).alias("way"),
            pl.lit(options.counted).alias("counted"),
            divided(pl.col("price_cents"), CENTS).alias("price_usd"),
            dollars("profit_satcent").alias("realized_profit_usd"),
            dollars("loss_satcent").alias("realized_loss_usd"),
            sopr().alias("sopr"),
            divided(
                (pl.col("created_satoshi") - pl.col("gone_satoshi").fill_null(0)).cast(SATOSHI_CENTS)
                * pl.col("price_cents"),
                SATOSHI_CENTS_PER_DOLLAR,
            ).alias("issuance_usd"),
            _bitcoin("destroyed_satoshi_days").alias("coin_days_destroyed"),
            _bitcoin("spent_satoshi").alias("spent_btc"),
        )
    )
    daily = _without_unknown_moves(daily, options)
    if not cells.reach.is_whole:
        return {"chain_day": daily}
    stocks, bands, bins = [], [], []
    require_prices(created.filter(pl.col("created_day") <= days["day"].max())["created_day"], prices)
    for day, coins in unspent(spent, created, days["day"]):
        stocks.append(stock(day, coins, prices))
        bins.append(
            distribution(coins, prices, bin_cents=options.bin_usd * CENTS).select(
                pl.lit(day).alias("day"),
                divided(pl.col("price_low_cents"), CENTS).alias("price_low_usd"),
                divided(pl.col("price_high_cents"), CENTS).alias("price_high_usd"),
                _bitcoin("satoshi").alias("supply_btc"),
            )
        )
        bands.append(
            ages(day, coins, options.age_bounds_days).select(
                pl.lit(day).alias("day"), "age_from_days", "age_until_days", _bitcoin("satoshi").alias("supply_btc")
            )
        )
    supply = pl.col("supply_satoshi")
    held = pl.concat(stocks).select(
        "day",
        _bitcoin("supply_satoshi").alias("supply_btc"),
        dollars("realized_cap_satcent").alias("realized_cap_usd"),
        pl.when(supply > 0)
        .then(pl.col("realized_cap_satcent").cast(pl.Float64) / (supply * CENTS).cast(pl.Float64))
        .alias("realized_price_usd"),
        pl.when(pl.col("realized_cap_satcent") > 0)
        .then(pl.col("market_cap_satcent").cast(pl.Float64) / pl.col("realized_cap_satcent").cast(pl.Float64))
        .alias("mvrv"),
        pl.when(supply > 0).then(100 * pl.col("profit_supply_satoshi") / supply).alias("supply_in_profit_pct"),
        pl.when(supply > 0).then(100 * pl.col("loss_supply_satoshi") / supply).alias("supply_in_loss_pct"),
    )
    when = days.select("day", "known_at", "known_at_basis")
    return {
        "chain_day": daily.join(held, on="day"),
        "chain_cost_basis": pl.concat(bins).join(when, on="day"),
        "chain_age": pl.concat(bands).join(when, on="day"),
    }


def _bitcoin(satoshi: str) -> pl.Expr:
    return divided(pl.col(satoshi), SATOSHI_PER_BITCOIN)
