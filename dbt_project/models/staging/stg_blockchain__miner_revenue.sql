-- One row per UTC day and version.
with

versions as ({{ versions('blockchain__miner_revenue', 'chart_date', 'chart_date') }}),

renamed as (
    select
        observed_date,
        revenue_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
