-- One row per point and version.
with

versions as ({{ versions('luxor__hashprice', 'priced_at', 'cast(priced_at as date)') }}),

renamed as (
    select
        priced_at,
        observed_date,
        hashprice_usd_ph_day,
        hashprice_btc_ph_day,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
