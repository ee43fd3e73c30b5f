-- One row per moment of asking: the estimate of the next difficulty adjustment.
with

versions as ({{ versions('mempool__difficulty_adjustment', 'observed_at', 'cast(observed_at as date)') }}),

renamed as (
    select
        observed_at,
        observed_date,
        progress_pct,
        difficulty_change_pct,
        estimated_retarget_at,
        remaining_blocks,
        remaining_time_h,
        previous_retarget_pct,
        next_retarget_height,
        block_time_s,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
