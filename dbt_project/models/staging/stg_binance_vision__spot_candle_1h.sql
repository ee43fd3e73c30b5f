-- One row per bar and version: Binance's archive, spot, hours.
with

versions as ({{ versions('binance_vision__spot_candle_1h', 'symbol, open_time', 'cast(open_time as date)') }}),

renamed as (
    select
        'binance' as venue,
        'spot' as market,
        symbol,
        open_time as opened_at,
        observed_date,
        open_usd,
        high_usd,
        low_usd,
        close_usd,
        volume_btc,
        taker_buy_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
