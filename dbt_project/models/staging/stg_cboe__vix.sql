-- One row per trading date and version.
with

versions as ({{ versions('cboe__vix', 'trade_date', 'trade_date') }}),

renamed as (
    select
        observed_date,
        open,
        high,
        low,
        close,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
