-- One row per symbol, trading date and version.
with

versions as ({{ versions('twelvedata__daily_bar', 'symbol, trade_date', 'trade_date') }}),

renamed as (
    select
        symbol,
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
