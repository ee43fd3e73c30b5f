-- One row per snapshot, future and version: inverse futures of bitcoin, the perpetual included.
with

versions as (
    {{ versions('deribit__future_summary', 'snapshot_time, instrument_name', 'cast(snapshot_time as date)') }}
),

renamed as (
    select
        'deribit' as venue,
        instrument_name as symbol,
        snapshot_time as observed_at,
        observed_date,
        expiry_time as expires_at,
        open_interest_btc,
        open_interest_usd,
        mark_price_usd,
        index_price_usd,
        volume_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
