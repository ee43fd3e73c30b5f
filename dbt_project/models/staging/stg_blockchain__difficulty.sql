-- One row per UTC day and version.
with

versions as ({{ versions('blockchain__difficulty', 'chart_date', 'chart_date') }}),

renamed as (
    select
        observed_date,
        difficulty,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
