-- One row per venue, market and hour, latest version: hourly bars where a venue has them.
with

bars as (
    select * from {{ ref('stg_binance__spot_candle_1h') }}
    union all
    select * from {{ ref('stg_coinbase__spot_candle_1h') }}
    union all
    select * from {{ ref('stg_okx__perp_candle_1h') }}
),

latest as (select * from bars where known_until is null)

select * from latest
