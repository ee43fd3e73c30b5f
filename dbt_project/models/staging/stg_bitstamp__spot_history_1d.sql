-- One row per bar and version: bitstamp spot, UTC days since 2014: the past paths of forecasts, and no part of the price signals.
with

versions as ({{ versions('bitstamp__spot_history_1d', 'symbol, open_time', 'cast(open_time as date)') }}),

renamed as (
    select
        'bitstamp' as venue,
        'spot' as market,
        symbol,
        open_time as opened_at,
        observed_date,
        open_usd,
        high_usd,
        low_usd,
        close_usd,
        volume_btc,
        cast(null as double) as taker_buy_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
