-- One row per snapshot, instrument and version. Prices in BTC, implied volatility in percent.
with

versions as ({{ versions('deribit__option_chain', 'snapshot_time, instrument_name', 'cast(snapshot_time as date)') }}),

renamed as (
    select
        snapshot_time as snapshot_at,
        observed_date,
        instrument_name,
        expiry_time as expires_at,
        strike_usd,
        option_type,
        underlying_price_usd,
        underlying_index,
        index_price_usd,
        mark_price_btc,
        bid_price_btc,
        ask_price_btc,
        mark_iv_pct,
        open_interest_btc,
        volume_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
