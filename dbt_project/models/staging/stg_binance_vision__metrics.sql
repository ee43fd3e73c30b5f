-- One row per five minutes and version: Binance's archive. One side of each contract is counted.
with

versions as ({{ versions('binance_vision__metrics', 'symbol, observed_at', 'cast(observed_at as date)') }}),

renamed as (
    select
        'binance' as venue,
        symbol,
        observed_at,
        observed_date,
        open_interest_btc,
        open_interest_usd,
        top_trader_account_ratio,
        top_trader_position_ratio,
        account_ratio,
        taker_volume_ratio,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
