-- One row per release, day and version: US statistics that move markets, as the schedule listed them.
with

versions as ({{ versions('bls__release', 'release, release_date', 'listed_on') }}),

renamed as (
    select
        listed_on,
        release as release_name,
        release_date,
        released_at,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
