-- One row per bar and version: Binance's archive, perp, days.
with

versions as ({{ versions('binance_vision__perp_candle_1d', 'symbol, open_time', 'cast(open_time as date)') }}),

renamed as (
    select
        'binance' as venue,
        'perp' as market,
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
