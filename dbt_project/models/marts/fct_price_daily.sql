-- One row per date, venue and market: the UTC day's bar.
with

bars as (select * from {{ ref('int_price__venue_days') }}),

latest as (
    select
        observed_date as signal_date,
        venue,
        market,
        open_usd,
        high_usd,
        low_usd,
        close_usd,
        volume_btc,
        taker_buy_btc,
        known_at,
        known_at_basis
    from bars
    where known_until is null
)

select
    signal_date,
    venue,
    market,
    open_usd,
    high_usd,
    low_usd,
    close_usd,
    volume_btc,
    taker_buy_btc,
    known_at,
    known_at_basis
from latest
