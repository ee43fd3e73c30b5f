-- One row per venue, market, UTC day and version: the day's bar. Only bars that were closed when they were fetched.
with

bars as (
    select * from {{ source('staging', 'stg_binance__spot_candle_1d') }}
    union all by name
    select * from {{ source('staging', 'stg_coinbase__spot_candle_1d') }}
    union all by name
    select * from {{ source('staging', 'stg_okx__spot_candle_1d') }}
    union all by name
    select * from {{ source('staging', 'stg_kraken__spot_candle_1d') }}
    union all by name
    select * from {{ source('staging', 'stg_bitstamp__spot_candle_1d') }}
    union all by name
    select * from {{ source('staging', 'stg_binance__perp_candle_1d') }}
    union all by name
    select * from {{ source('staging', 'stg_okx__perp_candle_1d') }}
)

select * from bars
