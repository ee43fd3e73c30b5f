-- One row per quote date, tenor and version: nominal par yield, percent.
with

versions as ({{ versions('treasury__par_yield', 'quote_date, tenor', 'quote_date') }}),

renamed as (
    select
        quote_date,
        observed_date,
        tenor,
        yield_pct,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
