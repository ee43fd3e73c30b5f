-- One row per UTC day and version: futures open interest over all venues as CoinGlass aggregates it.
with

versions as ({{ versions('coinglass__open_interest', 'symbol, open_time', 'cast(open_time as date)') }}),

renamed as (
    select
        symbol,
        observed_date,
        close_usd as open_interest_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
