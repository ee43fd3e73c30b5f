"""How good two substitutes are: spot volume in place of liquidations, and a vendor's open interest."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

EXTREME = 0.95  # the rank from which both count as a burst
SETTLED = """
    select
        signal_date,
        max(value) filter (where signal_id = 'liquidations_usd') as liquidations,
        max(value) filter (where signal_id = 'spot_volume_ratio_90d') as volume,
        max(value) filter (where signal_id = 'btc_return_1d_pct') as return_pct,
        max(value) filter (where signal_id = 'futures_oi_usd') as open_interest
    from marts.fct_signal_daily
    group by signal_date
"""


@dataclass(frozen=True)
class SubstituteQuality:
    """Settled readings, side by side.

    On the days with both a reading of liquidations and one of spot volume against its 90-day mean: how many, the
    correlation of their logarithms, how many days are extreme in liquidations and how many of these in volume too.
    Then the correlation of the daily change of the vendor's open interest with the return of its own day and with that
    of the day before.
    """

    days: int
    correlation: float
    extreme_liquidations: int
    extreme_both: int
    open_interest_same_day: float
    open_interest_day_before: float


def read(build_file: Path) -> SubstituteQuality:
    with duckdb.connect(str(build_file), read_only=True) as connection:
        connection.execute(f"create temp view settled as {SETTLED}")
        volume = connection.execute(
            """
            select count(*), corr(ln(liquidations), ln(volume)), count(*) filter (where liquidation_rank >= $extreme),
                count(*) filter (where liquidation_rank >= $extreme and volume_rank >= $extreme)
            from (
                select
                    *,
                    percent_rank() over (order by liquidations) as liquidation_rank,
                    percent_rank() over (order by volume) as volume_rank
                from settled
                where liquidations > 0 and volume > 0
            )
            """,
            {"extreme": EXTREME},
        ).fetchone()
        interest = connection.execute(
            """
            select corr(change, return_pct), corr(change, return_before)
            from (
                select
                    return_pct,
                    ln(open_interest / lag(open_interest) over by_date) as change,
                    lag(return_pct) over by_date as return_before,
                    signal_date - lag(signal_date) over by_date as days
                from settled
                where open_interest is not null
                window by_date as (order by signal_date)
            )
            where days = 1
            """
        ).fetchone()
    return SubstituteQuality(*volume, *interest)
