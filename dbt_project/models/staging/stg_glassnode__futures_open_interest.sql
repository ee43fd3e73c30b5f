-- One row per UTC day and version.
with

versions as ({{ versions('glassnode__futures_open_interest', 'metric_date', 'metric_date') }}),

renamed as (
    select
        observed_date,
        open_interest_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
