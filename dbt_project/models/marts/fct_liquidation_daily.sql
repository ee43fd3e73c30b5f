-- One row per date and venue: positions closed by force in the UTC day. CoinGlass's aggregate stands as a venue of its
-- own.
with

aggregate as (select * from {{ source('staging', 'stg_coinglass__liquidation') }}),

own_venues as (select * from {{ ref('int_liquidations__venue_days') }}),

latest as (
    select
        observed_date as signal_date,
        'coinglass aggregate' as venue,
        long_liquidation_usd as long_liquidations_usd,
        short_liquidation_usd as short_liquidations_usd,
        known_at,
        known_at_basis
    from aggregate
    where known_until is null
    union all
    select
        observed_date,
        venue,
        long_liquidations_usd,
        short_liquidations_usd,
        known_at,
        known_at_basis
    from own_venues
    where known_until is null
        and {{ has_ended('observed_date') }}
)

select
    signal_date,
    venue,
    long_liquidations_usd,
    short_liquidations_usd,
    known_at,
    known_at_basis
from latest
