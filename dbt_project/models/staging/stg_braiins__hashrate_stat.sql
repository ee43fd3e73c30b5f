-- One row per moment of asking.
with

versions as ({{ versions('braiins__hashrate_stat', 'observed_at', 'cast(observed_at as date)') }}),

renamed as (
    select
        observed_at,
        observed_date,
        hashprice_usd_ph_day,
        hashrate_ehs,
        hashrate_30d_ehs,
        fees_pct,
        mean_fees_btc,
        revenue_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
