-- One row per bucket and date: its state, how long it has lasted, the evidence, and how far the nearest flip is.
with

buckets as (select * from {{ ref('int_buckets__daily') }}),

runs as (
    select
        *,
        count(*) filter (where is_change) over (
            partition by bucket order by signal_date rows between unbounded preceding and current row
        ) as run
    from (
        select
            *,
            coalesce(state <> lag(state) over (partition by bucket order by signal_date), true) as is_change
        from buckets
    )
),

counted as (
    select
        signal_date,
        bucket,
        state,
        row_number() over (partition by bucket, run order by signal_date) as days_in_state,
        confirms_met,
        confirms_total,
        continues_met,
        continues_total,
        evidence,
        primary_signal_id,
        flip_signal_id,
        flip_distance,
        waiting_for
    from runs
)

select * from counted
