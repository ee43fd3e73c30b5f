-- One row per UTC day and version.
with

versions as ({{ versions('bgeometrics__realized_price', 'metric_date', 'metric_date') }}),

renamed as (
    select
        observed_date,
        realized_price_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
