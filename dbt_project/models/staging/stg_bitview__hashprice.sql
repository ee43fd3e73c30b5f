-- One row per UTC day and version.
with

versions as ({{ versions('bitview__hashprice', 'series_name, series_date', 'series_date') }}),

renamed as (
    select
        observed_date,
        value as hashprice_usd_ph_day,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
