-- One row per day, expiry, strike and option type: open interest in the day's snapshot, in bitcoin.
with

snapshots as (select * from {{ ref('int_options__daily_snapshots') }}),

chain as (select * from {{ source('staging', 'stg_deribit__option_chain') }}),

open_interest as (
    select
        snapshots.observed_date,
        snapshots.snapshot_time,
        chain.expiry_time,
        chain.strike_usd,
        chain.option_type,
        chain.underlying_price_usd,
        chain.underlying_index,
        chain.index_price_usd,
        chain.open_interest_btc,
        chain.mark_price_btc,
        chain.mark_iv_pct,
        snapshots.known_at,
        snapshots.known_at_basis,
        snapshots.known_from
    from snapshots
    join chain on chain.observed_date = snapshots.observed_date
        and chain.snapshot_time = snapshots.snapshot_time
        and chain.known_at = snapshots.known_at
)

select * from open_interest
