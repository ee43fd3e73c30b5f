-- One row per UTC day and version, USD.
with

versions as ({{ versions('bgeometrics__net_realized_pnl', 'metric_date', 'metric_date') }}),

renamed as (
    select
        observed_date,
        net_realized_pnl_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
