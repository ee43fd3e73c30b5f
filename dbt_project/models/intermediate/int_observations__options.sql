-- One row per option series, exchange and day, from the day's last snapshot of its chain; and the volatility index's
-- close of day. Exchanges are never spliced: which one is read is a matter of the seed `series`.
with

snapshots as (select * from {{ ref('int_options__daily_snapshots') }}),

tenors as (select * from {{ source('analytics', 'option_surface') }}),

open_interest as (select * from {{ ref('int_options__open_interest') }}),

put_peak as (select * from {{ ref('int_options__put_peak') }}),

put_premium as (
    select
        venue,
        observed_date,
        put_premium_share_pct
    from {{ ref('int_options__put_premium') }}
),

basis as (select * from {{ ref('int_options__futures_basis') }}),

dvol_hours as (select * from {{ source('staging', 'stg_deribit__dvol') }}),

surface as (
    select
        snapshots.venue,
        snapshots.observed_date,
        max(tenors.rr25) filter (where tenors.tenor_days = 7) as rr25_7d,
        max(tenors.rr25) filter (where tenors.tenor_days = 30) as rr25_30d,
        max(tenors.rr25) filter (where tenors.tenor_days = 90) as rr25_90d,
        max(tenors.bf25) filter (where tenors.tenor_days = 30) as bf25_30d,
        max(tenors.atm_iv_pct) filter (where tenors.tenor_days = 7) as atm_iv_7d,
        max(tenors.atm_iv_pct) filter (where tenors.tenor_days = 30) as atm_iv_30d,
        max(tenors.atm_iv_pct) filter (where tenors.tenor_days = 90) as atm_iv_90d,
        max(tenors.atm_iv_pct) filter (where tenors.tenor_days = 180) as atm_iv_180d,
        atm_iv_90d - atm_iv_7d as iv_term_slope_7d_90d
    from snapshots
    join tenors on tenors.venue = snapshots.venue and tenors.snapshot_time = snapshots.snapshot_time
    group by snapshots.venue, snapshots.observed_date
),

put_call as (
    select
        venue,
        observed_date,
        sum(open_interest_btc order by expiry_time, strike_usd) filter (where option_type = 'P')
        / nullif(sum(open_interest_btc order by expiry_time, strike_usd) filter (where option_type = 'C'), 0)
            as put_call_oi_ratio
    from open_interest
    group by venue, observed_date
),

peak as (
    select
        venue,
        observed_date,
        low_strike_usd as put_oi_peak_strike_low,
        high_strike_usd as put_oi_peak_strike_high,
        share_pct as put_oi_peak_share_pct
    from put_peak
),

long as (
    from surface unpivot (value for series_id in (columns(* exclude (venue, observed_date))))
    union all by name
    from put_call unpivot (value for series_id in (columns(* exclude (venue, observed_date))))
    union all by name
    from peak unpivot (value for series_id in (columns(* exclude (venue, observed_date))))
    union all by name
    from put_premium unpivot (value for series_id in (columns(* exclude (venue, observed_date))))
    union all by name
    from basis unpivot (value for series_id in (columns(* exclude (venue, observed_date))))
),

from_chain as (
    select
        long.series_id,
        long.venue as provider,
        long.observed_date,
        cast(long.value as double) as value,
        1 as source_count,
        'chain of ' || strftime(snapshots.snapshot_time, '%H:%M') || ' UTC' as method_note,
        snapshots.known_at,
        snapshots.known_at_basis,
        snapshots.known_from,
        cast(null as date) as known_until
    from long
    join snapshots on snapshots.venue = long.venue and snapshots.observed_date = long.observed_date
),

dvol as (
    select
        'dvol' as series_id,
        'deribit' as provider,
        observed_date,
        close_pct as value,
        1 as source_count,
        'close of ' || strftime(open_time + interval 1 hour, '%H:%M') || ' UTC' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from dvol_hours
    qualify rank() over (partition by observed_date order by open_time desc) = 1
),

unioned as (
    select * from from_chain
    union all
    select * from dvol
)

select * from unioned
