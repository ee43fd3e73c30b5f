-- One row per moment and version.
with

versions as ({{ versions('mempool__price', 'priced_at', 'cast(priced_at as date)') }}),

renamed as (
    select
        priced_at,
        observed_date,
        price_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
