-- One row per settlement and version, over all venues. Of a venue with several contracts the perpetual with the most
-- open interest stands for it.
with

settlements as (
    select * from {{ source('staging', 'stg_binance__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_bybit__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_okx__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_deribit__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_bitmex__funding_rate') }} where symbol = 'XBTUSD'
    union all by name
    select * from {{ source('staging', 'stg_hyperliquid__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_kraken_futures__funding_rate') }} where symbol = 'PF_XBTUSD'
)

select * from settlements
