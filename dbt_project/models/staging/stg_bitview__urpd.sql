-- One row per UTC day, price band and version: unspent coins by the price at which they last moved.
with

versions as ({{ versions('bitview__urpd', 'urpd_date, price_low_usd', 'urpd_date') }}),

renamed as (
    select
        observed_date,
        price_low_usd,
        price_high_usd,
        supply_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
