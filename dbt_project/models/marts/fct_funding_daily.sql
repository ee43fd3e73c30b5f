-- One row per date and venue: the mean funding rate of the day's settlements, percent per 8 hours.
with

days as (select * from {{ ref('int_funding__venue_days') }}),

latest as (
    select
        observed_date as signal_date,
        venue,
        funding_rate_8h_pct,
        settlements,
        known_at,
        known_at_basis
    from days
    where known_until is null
        and {{ has_ended('observed_date') }}
)

select
    signal_date,
    venue,
    funding_rate_8h_pct,
    settlements,
    known_at,
    known_at_basis
from latest
