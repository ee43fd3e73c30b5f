-- One row per series, UTC day and version: money in USD, SOPR a ratio.
with

versions as ({{ versions('bitview__series', 'series_name, series_date', 'series_date') }}),

renamed as (
    select
        series_name,
        observed_date,
        value,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
