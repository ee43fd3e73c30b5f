-- Hashprices printed by miners' sites that lie more than a quarter off what is computed here for that day and the day
-- before. A warning: on wild days prices differ by several percent, but a terahash's price looks a thousand times off.
{{ config(meta={"dagster": {"ref": {"name": "int_observations__mining"}}}, severity='warn') }}
with

computed as (
    select
        observed_date,
        value as hashprice_usd_ph_day
    from {{ ref('int_observations__mining') }}
    where series_id = 'hashprice_usd_ph_day'
        and known_until is null
),

braiins as (select * from {{ source('staging', 'stg_braiins__hashrate_stat') }}),

luxor as (select * from {{ source('staging', 'stg_luxor__hashprice') }}),

printed as (
    select
        'braiins' as provider,
        observed_date,
        hashprice_usd_ph_day
    from braiins
    where known_until is null
    union all
    select
        'luxor' as provider,
        observed_date,
        hashprice_usd_ph_day
    from luxor
    where known_until is null
),

compared as (
    select
        printed.provider,
        printed.observed_date,
        printed.hashprice_usd_ph_day,
        min(computed.hashprice_usd_ph_day) as lowest_usd_ph_day,
        max(computed.hashprice_usd_ph_day) as highest_usd_ph_day
    from printed
    join computed on computed.observed_date between printed.observed_date - 1 and printed.observed_date
    group by printed.provider, printed.observed_date, printed.hashprice_usd_ph_day
)

select * from compared
where hashprice_usd_ph_day not between 0.75 * lowest_usd_ph_day and 1.25 * highest_usd_ph_day
