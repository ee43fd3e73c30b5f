-- One row per series, UTC day and version, USD a coin.
with

versions as ({{ versions('bitview__realized_price', 'series_name, series_date', 'series_date') }}),

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
