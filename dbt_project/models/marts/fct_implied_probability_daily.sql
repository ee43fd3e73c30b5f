-- One row per date, horizon and strike: the risk-neutral chance that bitcoin is below the strike at the horizon, and
-- that it touches the strike by then. A price of insurance, not a forecast.
with

snapshots as (select * from {{ ref('int_options__daily_snapshots') }}),

probabilities as (select * from {{ source('analytics', 'implied_probability') }}),

joined as (
    select
        snapshots.observed_date as signal_date,
        probabilities.horizon_days,
        probabilities.strike_usd,
        probabilities.prob_below_pct,
        probabilities.prob_touch_pct,
        probabilities.prob_holds_pct,
        snapshots.venue
    from snapshots
    join probabilities
        on probabilities.venue = snapshots.venue and probabilities.snapshot_time = snapshots.snapshot_time
    where snapshots.stands_for_day
        and {{ has_ended('snapshots.observed_date') }}
)

select
    signal_date,
    horizon_days,
    strike_usd,
    prob_below_pct,
    prob_touch_pct,
    prob_holds_pct,
    venue
from joined
