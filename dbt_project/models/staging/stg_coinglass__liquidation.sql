-- One row per UTC day and version: forced closures over all venues as CoinGlass aggregates them.
with

versions as ({{ versions('coinglass__liquidation', 'symbol, open_time', 'cast(open_time as date)') }}),

renamed as (
    select
        symbol,
        observed_date,
        long_liquidation_usd,
        short_liquidation_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
