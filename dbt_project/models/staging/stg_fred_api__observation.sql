-- One row per series, date and version; holidays are null.
with

versions as ({{ versions('fred_api__observation', 'series_id, observation_date', 'observation_date') }}),

renamed as (
    select
        series_id,
        observed_date,
        value,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
