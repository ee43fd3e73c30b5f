-- One row per date and price band: unspent coins by the price at which they last moved, from the provider in use that
-- day (the first in the order of the seed `series` that has the day).
with

bands as (select * from {{ ref('int_cost_basis__bands') }}),

latest as (
    select
        observed_date as signal_date,
        price_low_usd,
        price_high_usd,
        supply_btc,
        provider
    from bands
    where known_until is null
    qualify dense_rank() over (partition by observed_date order by priority) = 1
)

select
    signal_date,
    price_low_usd,
    price_high_usd,
    supply_btc,
    provider
from latest
