-- One row per UTC day and version.
with

versions as ({{ versions('mempool__block_reward', 'group_at', 'cast(group_at as date)') }}),

renamed as (
    select
        group_at,
        observed_date,
        mean_height,
        mean_reward_btc,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
