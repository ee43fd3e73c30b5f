"""Checks that joined cells must pass before they are published."""

from datetime import date

import polars as pl

from chain.blocks import subsidy_satoshi
from chain.errors import JoinError
from chain.join.join_sql import KEY_DIGITS
from chain.join.main_chain import MainChain


def require_sound(spent: pl.LazyFrame, created: pl.DataFrame, chain: MainChain) -> None:
    """Raise JoinError unless the joined cells hold just what the main chain's blocks hold.

    `spent` and `created` are sums over all buckets of what `chain.join.join_sql` gives, with its counts of what is
    wrong. Each check names the first day on which it fails. Of `spent`, which has millions of rows, only sums by day
    are held in memory.
    """
    by_day_spent = (
        spent.group_by("spent_day")
        .agg(pl.col("satoshi", "coins", "faulty", "conflicts", "unequal").sum(), pl.col("unequal_outpoint").min())
        .collect(engine="streaming")
    )
    for table, days in ((by_day_spent, "spent_day"), (created, "created_day")):
        for trouble, what in (
            ("faulty", "amounts or scripts that are missing or impossible"),
            ("conflicts", "rows that are on the main chain twice and differ"),
        ):
            _refuse(
                table.filter(pl.col(trouble) > 0).select(days, trouble).sort(days).rows(),
                f"{{1}} {what}. Fetch the files of that day again.",
            )
    _require_all_transactions(created, chain)
    _require_all_inputs(by_day_spent, created)
    unknown = spent.filter(pl.col("created_day").is_null()).select("spent_day", "coins").sort("spent_day")
    _refuse(
        unknown.collect(engine="streaming").rows(),
        "{1} inputs spend coins of transactions that are not in the copy, which begins at height "
        f"{chain.first_height}. Fetch all days from the first block on.",
    )
    _refuse(
        by_day_spent.filter(pl.col("unequal") > 0)
        .select("spent_day", "unequal", "unequal_outpoint")
        .sort("spent_day")
        .rows(),
        f"{{1}} inputs are not worth what the outputs that they spend are, one of them spends {{2}} (the first "
        f"{KEY_DIGITS} digits of the transaction id, and the output). Fetch the files of that day again, and those of "
        "the day of that transaction.",
    )
    _require_no_more_than_the_subsidy(by_day_spent, created, chain)


def _require_all_transactions(created: pl.DataFrame, chain: MainChain) -> None:
    """The number of transactions of each block must be the one that the copy states."""
    expected = chain.blocks.group_by(created_day="day").agg(
        (pl.col("transactions").sum() - (~pl.col("coinbase_is_coin")).sum()).alias("expected")
    )
    compared = expected.join(created, on="created_day", how="full", coalesce=True).select(
        "created_day", pl.col("transactions").fill_null(0), pl.col("expected").fill_null(0)
    )
    _refuse(
        compared.filter(pl.col("transactions") != pl.col("expected")).sort("created_day").rows(),
        "{1} transactions were found, and the day's blocks hold {2}. Fetch the files of that day again.",
    )


def _require_all_inputs(by_day_spent: pl.DataFrame, created: pl.DataFrame) -> None:
    """Each transaction says how many inputs it has."""
    expected = created.select(pl.col("created_day").alias("spent_day"), pl.col("inputs"))
    compared = expected.join(
        by_day_spent.select("spent_day", "coins"), on="spent_day", how="full", coalesce=True
    ).select("spent_day", pl.col("coins").fill_null(0), pl.col("inputs").fill_null(0))
    _refuse(
        compared.filter(pl.col("coins") != pl.col("inputs")).sort("spent_day").rows(),
        "{1} inputs were found, and the day's transactions say {2}. Fetch the files of that day again.",
    )


def _require_no_more_than_the_subsidy(by_day_spent: pl.DataFrame, created: pl.DataFrame, chain: MainChain) -> None:
    """What a day's blocks create beyond what they spend is at most what their coinbases may make."""
    subsidy: dict[date, int] = {}
    for height, day, is_coin in chain.blocks.select("height", "day", "coinbase_is_coin").iter_rows():
        subsidy[day] = subsidy.get(day, 0) + (subsidy_satoshi(height) if is_coin else 0)
    compared = (
        created.select("created_day", pl.col("satoshi").alias("created"))
        .join(
            by_day_spent.select(pl.col("spent_day").alias("created_day"), pl.col("satoshi").alias("spent")),
            on="created_day",
            how="left",
        )
        .select("created_day", pl.col("created") - pl.col("spent").fill_null(0))
    )
    _refuse(
        sorted((day, new, subsidy.get(day, 0)) for day, new in compared.iter_rows() if new > subsidy.get(day, 0)),
        "{1} satoshi came into being, and the blocks of that day may make {2}. Fetch its files again.",
    )


def _refuse(rows: list[tuple[object, ...]], message: str) -> None:
    """Raise JoinError about the first of these rows, whose first value is the day."""
    if rows:
        day, more = rows[0][0], len(rows) - 1
        others = f" ({more} more days have the same trouble.)" if more else ""
        raise JoinError(f"The join is not published. {day}: {message.format(*rows[0])}{others}")
