-- One row per provider, day, price band and version: unspent coins by the price at which they last moved. `priority` is
-- the provider's place in the order of the seed `series`.
with

bitview as (select * from {{ ref('stg_bitview__urpd') }}),

glassnode as (select * from {{ ref('stg_glassnode__urpd') }}),

chain_versions as ({{ computed_versions('chain_cost_basis', 'day, price_low_usd', 'day') }}),

chain as (
    select
        observed_date,
        price_low_usd,
        price_high_usd,
        supply_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from chain_versions
),

providers as (select * from {{ ref('int_series__providers') }} where series_id = 'supply_in_loss_pct'),

unioned as (
    select 'bitview' as provider, * from bitview
    union all
    select 'glassnode' as provider, * from glassnode
    union all
    select 'chain' as provider, * from chain
),

ranked as (
    select
        unioned.*,
        providers.priority
    from unioned
    join providers on providers.provider = unioned.provider
)

select * from ranked
