-- One row per meeting, kind and version: meetings of the Open Market Committee as the page listed them.
with

versions as ({{ versions('fed__fomc_meeting', 'decision_date, kind', 'listed_on') }}),

renamed as (
    select
        listed_on,
        decision_date,
        decided_at,
        first_date,
        kind,
        has_projections,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
