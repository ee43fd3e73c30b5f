-- One row per stamp and version. One side of each contract is counted.
with

versions as ({{ versions('hyperliquid__open_interest', 'symbol, observed_at', 'cast(observed_at as date)') }}),

renamed as (
    select
        'hyperliquid' as venue,
        symbol,
        observed_at,
        observed_date,
        open_interest_btc,
        open_interest_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
