-- One row per moment of asking: sums over the newest 144 blocks.
with

versions as ({{ versions('mempool__reward_stat', 'observed_at', 'cast(observed_at as date)') }}),

renamed as (
    select
        observed_at,
        observed_date,
        start_height,
        end_height,
        reward_btc,
        fees_btc,
        transaction_count,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
