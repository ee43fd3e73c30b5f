-- One row per trading date and version: the net flow of all US spot bitcoin funds, held back until the date is
-- complete.
with

dates as (select * from {{ ref('int_etf__dates') }}),

complete as (
    select
        'etf_net_flow_usd' as series_id,
        'farside' as provider,
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
)

select * from complete
