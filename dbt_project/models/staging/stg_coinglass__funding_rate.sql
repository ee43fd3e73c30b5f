-- One row per UTC day and version: funding over all venues, weighted by open interest as CoinGlass does it.
with

versions as ({{ versions('coinglass__funding_rate', 'symbol, open_time', 'cast(open_time as date)') }}),

renamed as (
    select
        symbol,
        observed_date,
        open_pct_8h,
        high_pct_8h,
        low_pct_8h,
        close_pct_8h,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
