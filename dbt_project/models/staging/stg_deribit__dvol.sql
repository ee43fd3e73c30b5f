-- One row per hour and version: the 30-day implied volatility index, volatility points.
with

versions as ({{ versions('deribit__dvol', 'open_time', 'cast(open_time as date)') }}),

renamed as (
    select
        open_time as opened_at,
        observed_date,
        open_pct,
        high_pct,
        low_pct,
        close_pct,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
