-- One row per provider, day, price band and version: unspent coins by the price at which they last moved. `priority` is
-- the provider's place in the order of the seed `series`.
{%- set columns %}
        observed_date,
        price_low_usd,
        price_high_usd,
        supply_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
{%- endset %}
with

providers as (select * from {{ ref('int_series__providers') }} where series_id = 'supply_in_loss_pct'),

unioned as (
    select
        'bitview' as provider, {{- columns }}
    from {{ source('staging', 'stg_bitview__urpd') }}
    union all
    select
        'glassnode' as provider, {{- columns }}
    from {{ source('staging', 'stg_glassnode__urpd') }}
    union all
    select
        'chain' as provider, {{- columns }}
    from {{ source('staging', 'stg_analytics__chain_cost_basis') }}
),

ranked as (
    select
        unioned.*,
        providers.priority
    from unioned
    join providers on providers.provider = unioned.provider
)

select * from ranked
