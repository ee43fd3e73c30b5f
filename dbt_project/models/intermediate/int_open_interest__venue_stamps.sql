-- One row per venue, stamp and version: open interest of its bitcoin contracts. A venue with several contracts stamps
-- them all at one moment, and they add up; a contract that has expired by the day's last stamp no longer counts.
with

contracts as (
    select * from {{ source('staging', 'stg_bitmex__open_interest') }}
    union all by name
    select * from {{ source('staging', 'stg_kraken_futures__open_interest') }}
    union all by name
    select
        venue,
        instrument_name as symbol,
        snapshot_time as observed_at,
        observed_date,
        open_interest_btc,
        open_interest_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from {{ source('staging', 'stg_deribit__future_summary') }}
),

added_up as (
    {{ pooled('contracts', 'venue, observed_at, observed_date', [
        'sum(pieces.open_interest_btc order by pieces.symbol) as open_interest_btc',
        'sum(pieces.open_interest_usd order by pieces.symbol) as open_interest_usd',
    ]) }}
),

one_contract as (
    select * from {{ source('staging', 'stg_binance__open_interest') }}
    union all by name
    select * from {{ source('staging', 'stg_bybit__open_interest') }}
    union all by name
    select * from {{ source('staging', 'stg_okx__open_interest') }}
    union all by name
    select * from {{ source('staging', 'stg_hyperliquid__open_interest') }}
    union all by name
    select * exclude (current_funding_8h) from {{ source('staging', 'stg_bitfinex__open_interest') }}
),

stamps as (
    select * exclude (symbol) from one_contract
    union all by name
    select * from added_up
)

select * from stamps
