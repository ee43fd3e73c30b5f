-- One row per realised series, day and version, valued from the cells of the chain itself.
with

versions as (select * from {{ source('staging', 'stg_analytics__chain_day') }}),

described as (
    select
        *,
        counted || ', not entity-adjusted; from blocks by way of ' || way as description
    from versions
),

series as (
    select
        series_id,
        'chain' as provider,
        observed_date,
        value,
        1 as source_count,
        description as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from described
    unpivot (value for series_id in (
        realized_loss_usd, realized_profit_usd, sopr, mvrv, realized_cap_usd, issuance_usd, supply_in_loss_pct
    ))
)

select * from series
