-- One row per trading date and series: close or yield, and its change. Yields change in basis points, prices in
-- percent.
with

observations as (select * from {{ ref('int_observations__macro') }}),

providers as (select * from {{ ref('int_series__providers') }}),

latest as (
    select
        observations.*,
        replace(replace(observations.series_id, '_close', ''), '_pct', '') as series,
        observations.series_id like '%_pct' as is_yield
    from observations
    join providers
        on providers.series_id = observations.series_id and providers.provider = observations.provider
    where observations.known_until is null
    qualify dense_rank() over (
        partition by observations.series_id order by providers.priority
    ) = 1
),

changed as (
    select
        observed_date as signal_date,
        series,
        provider,
        value as close,
        case when not is_yield then {{ change_pct('value', 'lag(value, 1) over by_date') }} end as return_1d_pct,
        case when not is_yield then {{ change_pct('value', 'lag(value, 5) over by_date') }} end as return_5d_pct,
        case when is_yield then 100 * (value - lag(value, 5) over by_date) end as change_5d_bp,
        known_at,
        known_at_basis
    from latest
    window by_date as (partition by series order by observed_date)
)

select
    signal_date,
    series,
    provider,
    close,
    return_1d_pct,
    return_5d_pct,
    change_5d_bp,
    known_at,
    known_at_basis
from changed
