-- One row per metric, UTC day and version, ratios.
with

versions as ({{ versions('bgeometrics__ratio', 'metric, metric_date', 'metric_date') }}),

renamed as (
    select
        metric,
        observed_date,
        value,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
