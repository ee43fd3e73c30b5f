-- One row per settlement and version, over all venues.
with

settlements as (
    select * from {{ ref('stg_binance__funding_rate') }}
    union all
    select * from {{ ref('stg_bybit__funding_rate') }}
    union all
    select * from {{ ref('stg_okx__funding_rate') }}
    union all
    select * from {{ ref('stg_deribit__funding_rate') }}
)

select * from settlements
