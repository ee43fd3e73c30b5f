-- One row per on-chain series, provider, day and version. Providers stay apart: raw and entity-adjusted figures of
-- realised profit and loss cannot be compared.
with

metrics as (select * from {{ source('staging', 'stg_coinmetrics__asset_metric') }}),

bitview as (select * from {{ source('staging', 'stg_bitview__series') }}),

glassnode as (select * from {{ source('staging', 'stg_glassnode__metric') }}),

coin_metrics_days as (
    select
        *,
        market_cap_usd / nullif(mvrv, 0) as realized_cap_usd,
        (exchange_inflow_usd - exchange_outflow_usd) as exchange_net_flow_usd
    from metrics
),

from_coin_metrics as (
    select
        series_id,
        'coinmetrics' as provider,
        observed_date,
        value,
        1 as source_count,
        cast(null as varchar) as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from coin_metrics_days
    unpivot (value for series_id in (market_cap_usd, mvrv, realized_cap_usd, issuance_usd, exchange_net_flow_usd))
),

from_bitview as (
    select
        case series_name
            when 'realized_loss_sum_24h' then 'realized_loss_usd'
            when 'realized_profit_sum_24h' then 'realized_profit_usd'
            when 'sopr_24h' then 'sopr'
        end as series_id,
        'bitview' as provider,
        observed_date,
        value,
        1 as source_count,
        'raw, not entity-adjusted' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from bitview
    -- A home may hold names that were asked for before; they are kept in raw and belong to no series.
    where value is not null and series_name in ('realized_loss_sum_24h', 'realized_profit_sum_24h', 'sopr_24h')
),

from_glassnode as (
    select
        metric || '_usd' as series_id,
        'glassnode' as provider,
        observed_date,
        value,
        1 as source_count,
        'entity-adjusted' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from glassnode
    where value is not null
),

unioned as (
    select * from from_coin_metrics
    union all
    select * from from_bitview
    union all
    select * from from_glassnode
)

select * from unioned
