-- One row per analyst's level: the price that the question is asked about, its absorption cluster, and when it is in
-- force.
with

levels as (select * from {{ ref('levels') }}),

horizon as (select * from {{ ref('int_calendar__horizon') }}),

known as (select * from levels where known_from <= (select known_until_at from horizon))

select
    valid_from,
    valid_to,
    known_from,
    level_usd,
    cluster_low_usd,
    cluster_high_usd,
    analyst,
    source
from known
