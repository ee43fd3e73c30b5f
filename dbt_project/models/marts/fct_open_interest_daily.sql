-- One row per date and venue: the day's last open interest, one side of each contract. CoinGlass's aggregate stands as
-- a venue of its own and has no bitcoin figure; CME has a figure of each Tuesday and none in dollars.
with

own_venues as (select * from {{ ref('int_open_interest__venue_days') }}),

cme as (select * from {{ source('staging', 'stg_cftc__position') }}),

aggregate as (select * from {{ source('staging', 'stg_coinglass__open_interest') }}),

latest as (
    select
        observed_date as signal_date,
        venue,
        open_interest_btc,
        open_interest_usd,
        known_at,
        known_at_basis
    from own_venues
    where known_until is null
        and {{ has_ended('observed_date') }}
    union all
    select
        observed_date,
        'coinglass aggregate',
        null,
        close_usd,
        known_at,
        known_at_basis
    from aggregate
    where known_until is null
    union all
    -- Both contracts of one report become known together.
    select
        observed_date,
        'cme',
        sum(open_interest_btc order by contract_code),
        null,
        max(known_at),
        {{ weakest_basis('known_at_basis') }}
    from cme
    where known_until is null
    group by observed_date
)

select
    signal_date,
    venue,
    open_interest_btc,
    open_interest_usd,
    known_at,
    known_at_basis
from latest
