"""Six faults of the verdict's first version, as they were recorded then and as a published warehouse has them now.

`python -m benchmarks.verdict_faults --published FILE` prints the table. The recorded figures are of real history from
January 2025 to August 2026, labelled by the first version of the method; the measured ones are of the file that is
named, over the same dates as far as it has them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click
import duckdb

from pipeline.rule_engine import RuleEngine

FIRST_DAY, LAST_DAY = date(2025, 1, 1), date(2026, 8, 21)
FLIP_EVERY_DAYS = 20  # a run of the rules takes a second
BUCKET_STATES = "int_buckets__daily"


@dataclass(frozen=True)
class Fault:
    """A fault: its figure as recorded, and how to count it in a published warehouse."""

    what: str
    recorded: str
    sql: str


# Each query gives two numbers: how many, and of how many. `days` are the dates looked at.
FAULTS = (
    Fault(
        "level moved over 10 % to where price was not in the three days, of all moves",
        "4 named: 13 March and 8 May 2025, 3 May and 11 June 2026",
        """
        with levels as (
            select signal_date, level_usd, cluster_low_usd,
                lag(level_usd) over (order by signal_date) as before_usd
            from marts.fct_regime_daily
        ),
        moves as (
            select *, (
                select bool_or(low.value <= levels.level_usd and high.value >= levels.cluster_low_usd)
                from marts.fct_signal_daily as low join marts.fct_signal_daily as high using (signal_date)
                where low.signal_id = 'btc_low_usd' and high.signal_id = 'btc_high_usd'
                    and low.signal_date between levels.signal_date - 2 and levels.signal_date
            ) as was_there
            from levels join days using (signal_date) where level_usd <> before_usd
        )
        select count(*) filter (where abs(level_usd / before_usd - 1) > 0.1 and was_there is not true), count(*)
        from moves
        """,
    ),
    Fault(
        "bucket days called improving, neutral or worsening that could be bull but lack a member",
        "260",
        """
        with lacking as (
            select signal_date, target_id as bucket from marts.fct_rule_daily
            where scope = 'bucket' and direction = 'confirms' group by signal_date, target_id
            having count(*) filter (where holds is false) = 0 and count(*) filter (where holds is null) > 0
        )
        select count(*) filter (where lacking.bucket is not null and state in ('improving', 'neutral', 'worsening')),
            count(*)
        from marts.fct_bucket_daily join days using (signal_date) left join lacking using (signal_date, bucket)
        """,
    ),
    Fault(
        "days on which H1 says no though the macro bucket could be bull",
        "26 of 26 after the dollar index ended",
        """
        select count(*) filter (where not holds and state_at_best = 'bull'), count(*) filter (where not holds)
        from marts.fct_condition_daily join days using (signal_date)
        join marts.fct_bucket_daily on fct_bucket_daily.signal_date = days.signal_date and bucket = 'macro'
        where condition_id = 'H1'
        """,
    ),
    Fault(
        "days of bear_continuation with more buckets bull than bear whose text says what will be",
        "66 of 154 said that the fall goes on",
        """
        with states as (
            select signal_date, count(*) filter (where state = 'bull') > count(*) filter (where state = 'bear') as ahead
            from marts.fct_bucket_daily group by signal_date
        )
        select count(*) filter (where ahead and regexp_matches(
            concat_ws(' ', verdict_line, verdict_line_zh, explanation, regime_decided_by_zh),
            'goes on|will |should|likely|target|将|有望'
        )), count(*)
        from marts.fct_regime_daily join days using (signal_date) join states using (signal_date)
        where regime = 'bear_continuation'
        """,
    ),
    Fault(
        "stabilizing days on which no line answers whether the level holds",
        "all, 40 % of days",
        """
        select count(*) filter (where coalesce(verdict_line, '') = '' or position is null), count(*)
        from marts.fct_regime_daily join days using (signal_date) where regime = 'stabilizing'
        """,
    ),
    Fault(
        "days on which R1 is true, of those on which it is known",
        "216 of 229",
        """
        select count(*) filter (where holds), count(holds)
        from marts.fct_condition_daily join days using (signal_date) where condition_id = 'R1'
        """,
    ),
    Fault(
        "days with options bull on which R1 is true",
        "64 of 69",
        """
        select count(*) filter (where holds), count(holds)
        from marts.fct_condition_daily join days using (signal_date)
        join marts.fct_bucket_daily as bucket on bucket.signal_date = days.signal_date and bucket.bucket = 'options'
        where condition_id = 'R1' and bucket.state = 'bull'
        """,
    ),
    Fault(
        "days whose funding streak is longer than the days since funding was last missing",
        "17 February 2026 said 224 h, true are 16 h",
        """
        with funding as (
            select signal_date, value from marts.fct_signal_daily
            where signal_id = 'funding_positive_streak_h' and value is not null
        ),
        runs as (
            select *, signal_date - cast(row_number() over (order by signal_date) as integer) as run from funding
        ),
        placed as (
            select *, 24 * row_number() over (partition by run order by signal_date) as most_h,
                run = min(run) over () as is_first
            from runs
        )
        select count(*) filter (where value > most_h and not is_first), count(*)
        from placed join days using (signal_date)
        """,
    ),
)


def measured(published: Path) -> Iterator[tuple[Fault, int, int]]:
    """Each fault that SQL can count, with how many there are, of how many."""
    with duckdb.connect(str(published), read_only=True) as connection:
        connection.execute(
            f"create temp view days as select signal_date from marts.fct_regime_daily "
            f"where signal_date between date '{FIRST_DAY}' and date '{LAST_DAY}'"
        )
        for fault in FAULTS:
            many, of_all = connection.execute(fault.sql).fetchone() or (0, 0)
            yield fault, many, of_all


def flips_that_do_not(published: Path) -> tuple[int, int]:
    """Claimed distances that flip nothing when applied, and how many were applied: on every twentieth date."""
    with duckdb.connect(str(published), read_only=True) as connection:
        claims = (
            connection.execute(
                "select * from marts.fct_bucket_daily where signal_date between ? and ? "
                "and flip_signal_id is not null and (signal_date - date '2025-01-01') % ? = 0 order by signal_date",
                [FIRST_DAY, LAST_DAY, FLIP_EVERY_DAYS],
            )
            .pl()
            .to_dicts()
        )
    failed = 0
    for day in sorted({claim["signal_date"] for claim in claims}):
        with RuleEngine(published, day, (BUCKET_STATES,)) as engine:
            for claim in claims:
                if claim["signal_date"] == day:
                    others = dict(part.split("=") for part in (claim["flip_also_needs"] or "").split())
                    moves = {signal: float(value) for signal, value in others.items()}
                    if claim["flip_distance"]:
                        moves[claim["flip_signal_id"]] = claim["flip_value"]
                    rows = engine.run(moves, claim["flip_readings"])[BUCKET_STATES]
                    state = next(row["state"] for row in rows if row["bucket"] == claim["bucket"])
                    failed += state != claim["flip_to_state"]
    return failed, len(claims)


def table(published: Path, say: Callable[[str], None]) -> None:
    """Print every fault: what was recorded, and what the file has."""
    for fault, many, of_all in measured(published):
        say(f"{fault.what}\n  before: {fault.recorded}\n  now:    {many} of {of_all}")
    failed, applied = flips_that_do_not(published)
    say(
        "distances to a flip that flip nothing when applied\n  before: 231 of 739\n"
        f"  now:    {failed} of {applied}, on every {FLIP_EVERY_DAYS}th date"
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--published",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A published warehouse (`leadline.duckdb` of a home), best one with real history since 2024.",
)
def main(published: Path) -> None:
    """Print six faults of the verdict's first version, as recorded then and as measured in a published warehouse."""
    table(published, click.echo)


if __name__ == "__main__":
    main()
