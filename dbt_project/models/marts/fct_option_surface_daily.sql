-- One row per date and tenor: constant-maturity implied volatility from the day's last chain snapshot.
with

snapshots as (select * from {{ ref('int_options__daily_snapshots') }}),

tenors as (select * from {{ source('analytics', 'option_surface') }}),

joined as (
    select
        snapshots.observed_date as signal_date,
        tenors.tenor_days,
        tenors.forward_usd,
        tenors.atm_iv_pct as atm_iv,
        tenors.rr25,
        tenors.bf25,
        tenors.expiries_used,
        snapshots.snapshot_time as snapshot_at,
        snapshots.venue
    from snapshots
    join tenors on tenors.venue = snapshots.venue and tenors.snapshot_time = snapshots.snapshot_time
    where snapshots.stands_for_day
        and {{ has_ended('snapshots.observed_date') }}
)

select
    signal_date,
    tenor_days,
    forward_usd,
    atm_iv,
    rr25,
    bf25,
    expiries_used,
    snapshot_at,
    venue
from joined
