-- One row per venue, market, hour and version: hourly bars where a venue has them.
with

bars as (
    select * from {{ source('staging', 'stg_binance__spot_candle_1h') }}
    union all by name
    select * from {{ source('staging', 'stg_coinbase__spot_candle_1h') }}
    union all by name
    select * from {{ source('staging', 'stg_okx__perp_candle_1h') }}
)

select * from bars
