-- One row per date and bucket that no single change flips but several together do: the largest of them, in deviations
-- of its own year, with the others as what it also needs. Found by running the rules with all of them made.
with

changes as (select * from {{ ref('int_flips__joint_cases') }}),

cases as (select distinct signal_date, bucket, case_id, repeats, case_deviations from changes),

moves as (select * from changes where distance <> 0),

judged as (select * from {{ ref('int_buckets__rules') }}),

readings as (select * from {{ ref('int_flips__readings') }}),

own_primaries as (select * from {{ ref('int_buckets__primaries') }}),

actual as (select * from {{ ref('int_buckets__daily') }}),

{{ moved_states() }},

flipping as (
    select
        cases.*,
        states.state as flip_to_state
    from cases
    join states
        on states.signal_date = cases.signal_date
        and states.bucket = cases.bucket
        and states.case_id = cases.case_id
    join actual on actual.signal_date = cases.signal_date and actual.bucket = cases.bucket
    where states.state <> actual.state
        and (actual.state in ('bull', 'bear') or states.state in ('bull', 'bear'))
    qualify row_number() over (
        partition by cases.signal_date, cases.bucket order by cases.case_deviations nulls last, cases.case_id
    ) = 1
),

ordered as (
    select
        flipping.signal_date,
        flipping.bucket,
        flipping.flip_to_state,
        flipping.repeats,
        changes.signal_id,
        changes.distance,
        readings.value + changes.distance as value,
        row_number() over (
            partition by flipping.signal_date, flipping.bucket
            order by changes.deviations desc nulls last, changes.signal_id
        ) as place
    from flipping
    join changes
        on changes.signal_date = flipping.signal_date
        and changes.bucket = flipping.bucket
        and changes.case_id = flipping.case_id
    join readings on readings.signal_date = changes.signal_date and readings.signal_id = changes.signal_id
),

flips as (
    select
        signal_date,
        bucket,
        max(signal_id) filter (where place = 1) as flip_signal_id,
        max(distance) filter (where place = 1) as flip_distance,
        any_value(flip_to_state) as flip_to_state,
        any_value(repeats) as flip_readings,
        string_agg(signal_id || '=' || value, ' ' order by place) filter (where place > 1 and distance <> 0)
            as flip_also_needs
    from ordered
    group by signal_date, bucket
)

select * from flips
