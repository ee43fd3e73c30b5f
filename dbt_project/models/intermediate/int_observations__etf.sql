-- One row per provider, trading date and version: net flow of all US spot bitcoin funds, held back until the date is
-- complete. SoSoValue prints the sum alone; its dates are read when the funds have reported.
with

dates as (select * from {{ ref('int_etf__dates') }}),

totals as (select * from {{ source('staging', 'stg_sosovalue__etf_flow') }}),

complete as (
    select
        'etf_net_flow_usd' as series_id,
        provider,
        observed_date,
        net_flow_usd as value,
        1 as source_count,
        funds_reported || ' funds' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from dates
    where is_complete
),

printed as (
    select
        'etf_net_flow_usd' as series_id,
        'sosovalue' as provider,
        observed_date,
        net_inflow_usd as value,
        1 as source_count,
        'the sum as printed' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from totals
),

unioned as (
    select * from complete
    union all
    select * from printed
)

select * from unioned
