-- One row per difficulty adjustment and version.
with

versions as ({{ versions('mempool__retarget', 'height', 'cast(retarget_at as date)') }}),

renamed as (
    select
        height,
        retarget_at,
        observed_date,
        difficulty,
        change_pct,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
