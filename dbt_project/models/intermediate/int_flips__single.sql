-- One row per date and bucket that a single change flips: the smallest one, in deviations of the signal's own year. A
-- flip is into or out of bull or bear; the shades between them are no flip. Found by running the rules with each
-- change made.
with

cases as (select * from {{ ref('int_flips__cases') }}),

moves as (select * from cases where distance <> 0),

judged as (select * from {{ ref('int_buckets__rules') }}),

readings as (select * from {{ ref('int_flips__readings') }}),

own_primaries as (select * from {{ ref('int_buckets__primaries') }}),

actual as (select * from {{ ref('int_buckets__daily') }}),

{{ moved_states() }},

flips as (
    select
        cases.signal_date,
        cases.bucket,
        cases.signal_id as flip_signal_id,
        cases.distance as flip_distance,
        states.state as flip_to_state,
        cases.repeats as flip_readings
    from cases
    join states
        on states.signal_date = cases.signal_date
        and states.bucket = cases.bucket
        and states.case_id = cases.case_id
    join actual on actual.signal_date = cases.signal_date and actual.bucket = cases.bucket
    where states.state <> actual.state
        and actual.state <> 'unknown'
        and (actual.state in ('bull', 'bear') or states.state in ('bull', 'bear'))
    qualify row_number() over (partition by cases.signal_date, cases.bucket order by cases.case_id) = 1
)

select * from flips
