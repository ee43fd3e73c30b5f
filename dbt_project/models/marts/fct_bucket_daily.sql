-- One row per bucket and date: its state, how long it has lasted, the evidence, and how far the nearest flip is.
with

buckets as (select * from {{ ref('int_buckets__daily') }}),

flips as (select * from {{ ref('int_flips__nearest') }}),

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
        runs.signal_date,
        runs.bucket,
        runs.state,
        runs.state_at_best,
        runs.state_at_worst,
        row_number() over (partition by runs.bucket, runs.run order by runs.signal_date) as days_in_state,
        runs.confirms_met,
        runs.confirms_total,
        runs.continues_met,
        runs.continues_total,
        runs.evidence,
        runs.primary_signal_id,
        flips.flip_signal_id,
        flips.flip_distance,
        flips.flip_to_state,
        flips.flip_value,
        flips.flip_readings,
        flips.flip_also_needs,
        runs.waiting_for
    from runs
    left join flips on flips.signal_date = runs.signal_date and flips.bucket = runs.bucket
)

select
    signal_date,
    bucket,
    state,
    state_at_best,
    state_at_worst,
    days_in_state,
    confirms_met,
    confirms_total,
    continues_met,
    continues_total,
    evidence,
    primary_signal_id,
    flip_signal_id,
    flip_distance,
    flip_to_state,
    flip_value,
    flip_readings,
    flip_also_needs,
    waiting_for
from counted
