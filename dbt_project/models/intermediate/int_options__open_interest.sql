-- One row per venue and day, expiry, strike and option type: open interest in the day's snapshot, in bitcoin.
with

snapshots as (select * from {{ ref('int_options__daily_snapshots') }}),

deribit as (select * from {{ source('staging', 'stg_deribit__option_chain') }}),

okx as (select * from {{ source('staging', 'stg_okx__option_summary') }}),

-- OKX answers with open interest apart: the answer stamped nearest to the chain counts, at most 15 minutes off.
okx_open_interest as (select * from {{ source('staging', 'stg_okx__option_open_interest') }}),

okx_answers as (
    select
        snapshot_time as counted_at,
        min(known_at) as counted_known_at,
        min(known_from) as counted_known_from
    from okx_open_interest
    group by snapshot_time
),

okx_pairs as (
    select
        snapshots.snapshot_time,
        okx_answers.counted_at,
        okx_answers.counted_known_at
    from snapshots
    join okx_answers
        on okx_answers.counted_at >= snapshots.snapshot_time - to_minutes(15)
        and okx_answers.counted_at <= snapshots.snapshot_time + to_minutes(15)
        and okx_answers.counted_known_from <= snapshots.known_from
    where snapshots.venue = 'okx'
    qualify row_number() over (
        partition by snapshots.snapshot_time
        order by abs(epoch(okx_answers.counted_at - snapshots.snapshot_time)), okx_answers.counted_at
    ) = 1
),

chain as (
    select
        * exclude (instrument_name, bid_price_btc, ask_price_btc, volume_btc)
    from deribit
    union all by name
    select
        okx.* exclude (instrument_name),
        okx_open_interest.open_interest_btc
    from okx
    join okx_pairs on okx_pairs.snapshot_time = okx.snapshot_time
    join okx_open_interest
        on okx_open_interest.snapshot_time = okx_pairs.counted_at
        and okx_open_interest.known_at = okx_pairs.counted_known_at
        and okx_open_interest.instrument_name = okx.instrument_name
),

open_interest as (
    select
        snapshots.venue,
        snapshots.stands_for_day,
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
    join chain on chain.venue = snapshots.venue
        and chain.observed_date = snapshots.observed_date
        and chain.snapshot_time = snapshots.snapshot_time
        and chain.known_at = snapshots.known_at
)

select * from open_interest
