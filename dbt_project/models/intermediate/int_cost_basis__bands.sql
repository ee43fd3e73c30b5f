-- One row per day and price band: unspent coins by the price at which they last moved, from the provider in use that day
-- (the first in the order of the seed `series` that has the day).
with

bitview as (select * from {{ ref('stg_bitview__urpd') }}),

glassnode as (select * from {{ ref('stg_glassnode__urpd') }}),

providers as (select * from {{ ref('int_series__providers') }}),

unioned as (
    select 'bitview' as provider, * from bitview
    union all
    select 'glassnode' as provider, * from glassnode
),

chosen as (
    select unioned.*
    from unioned
    join providers on providers.series_id = 'supply_in_loss_pct' and providers.provider = unioned.provider
    where unioned.known_until is null
    qualify dense_rank() over (partition by unioned.observed_date order by providers.priority) = 1
)

select * from chosen
