-- One row per block and version; a stale block is a row of its own.
with

versions as ({{ versions('mempool__block', 'height, block_hash', 'cast(found_at as date)') }}),

renamed as (
    select
        height,
        block_hash,
        found_at,
        observed_date,
        difficulty,
        transaction_count,
        weight,
        reward_btc,
        fees_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
