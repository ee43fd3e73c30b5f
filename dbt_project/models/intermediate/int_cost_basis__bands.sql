-- One row per provider, day, price band and version: unspent coins by the price at which they last moved. `priority` is
-- the provider's place in the order of the seed `series`.
with

bitview as (select * from {{ ref('stg_bitview__urpd') }}),

glassnode as (select * from {{ ref('stg_glassnode__urpd') }}),

providers as (select * from {{ ref('int_series__providers') }} where series_id = 'supply_in_loss_pct'),

unioned as (
    select 'bitview' as provider, * from bitview
    union all
    select 'glassnode' as provider, * from glassnode
),

ranked as (
    select
        unioned.*,
        providers.priority
    from unioned
    join providers on providers.provider = unioned.provider
)

select * from ranked
