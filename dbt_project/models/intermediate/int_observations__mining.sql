-- One row per mining series, provider, day and version. Hashprice is day revenue over implied hashrate, which equals
-- 10^15 * 86400 / (difficulty * 2^32) * (subsidy + mean fees a block) * price, because block luck cancels.
with

metrics as (select * from {{ source('staging', 'stg_coinmetrics__asset_metric') }}),

hashrates as (select * from {{ source('staging', 'stg_mempool__hashrate') }}),

estimates as (select * from {{ source('staging', 'stg_mempool__difficulty_adjustment') }}),

retargets as (select * from {{ source('staging', 'stg_mempool__retarget') }}),

from_coin_metrics as (
    select
        series_id,
        'coinmetrics' as provider,
        observed_date,
        value,
        cast(null as varchar) as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from (
        select
            *,
            hashrate_ths / 1e6 as hashrate_ehs,
            (issuance_usd + fees_btc * price_usd) / nullif(hashrate_ehs * 1000, 0) as hashprice_usd_ph_day
        from metrics
    )
    unpivot (value for series_id in (hashprice_usd_ph_day, hashrate_ehs))
),

from_mempool as (
    select
        'hashrate_ehs' as series_id,
        'mempool' as provider,
        observed_date,
        hashrate_ehs as value,
        cast(null as varchar) as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from hashrates
),

-- In an epoch's first 144 blocks the estimate is mostly the epoch before, rescaled.
next_adjustment as (
    select
        series_id,
        'mempool' as provider,
        observed_date,
        value,
        'asked at ' || strftime(observed_at, '%H:%M') || ' UTC' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from (
        select
            *,
            case when remaining_blocks <= 2016 - 144 then difficulty_change_pct end as difficulty_next_change_pct,
            remaining_time_h as difficulty_next_in_h
        from estimates
        qualify rank() over (partition by observed_date order by observed_at desc) = 1
    )
    unpivot (value for series_id in (difficulty_next_change_pct, difficulty_next_in_h))
),

-- The last adjustment stands until the next one, so it has a reading on every day.
epochs as (
    select
        height,
        coalesce(
            lead(min(observed_date)) over (order by height) - 1,
            (select last_closed_date from {{ ref('int_calendar__horizon') }})
        ) as last_date
    from retargets
    group by height
),

last_adjustment as (
    select
        'difficulty_last_change_pct' as series_id,
        'mempool' as provider,
        cast(unnest(generate_series(retargets.observed_date, epochs.last_date, interval 1 day)) as date)
            as observed_date,
        retargets.change_pct as value,
        'adjustment at block ' || retargets.height as method_note,
        retargets.known_at,
        retargets.known_at_basis,
        retargets.known_from,
        retargets.known_until
    from retargets
    join epochs on epochs.height = retargets.height
),

unioned as (
    select * from from_coin_metrics
    union all
    select * from from_mempool
    union all
    select * from next_adjustment
    union all
    select
        * exclude (known_from, known_until),
        greatest(known_from, observed_date) as known_from,
        case when known_until is not null then greatest(known_until, observed_date) end as known_until
    from last_adjustment
),

counted as (
    select
        *,
        1 as source_count
    from unioned
)

select * from counted
