-- One row per settlement and version. The rate is a fraction per interval; the interval ends at the stamp.
with

versions as ({{ versions('binance_vision__funding_rate', 'symbol, funding_time', 'cast(funding_time as date)') }}),

renamed as (
    select
        'binance' as venue,
        symbol,
        funding_time as settled_at,
        observed_date,
        funding_rate,
        interval_hours,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
