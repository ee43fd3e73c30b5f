-- One row per framework rule in force and date. The inputs are the signals, the buckets' states as numbers
-- (bull 2, improving 1, neutral 0, worsening -1, bear -2; at best and at worst) and the days since the last
-- capitulation.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

rules as (
    select * from {{ ref('rules') }}
    where scope = 'framework'
        and switched_off_because is null
),

signal_inputs as (select * from {{ ref('int_rules__inputs') }}),

buckets as (select * from {{ ref('int_buckets__daily') }}),

triggers as (select * from {{ ref('int_regime__triggers') }}),

state_inputs as (
    select
        signal_date,
        'state_' || bucket as signal_id,
        'value' as measure,
        {{ state_number('state_at_best') }} as value,
        {{ state_number('state_at_worst') }} as other_value,
        signal_date as observed_date,
        true as is_fresh
    from buckets
),

-- Before the first one nobody knows: it may have been the day before the first date, or never.
counted_days as (
    select
        signal_date,
        signal_date - min(signal_date) over so_far + 1 as days_known,
        signal_date - max(case when is_trigger then signal_date end) over so_far as days_since
    from triggers
    window so_far as (order by signal_date rows between unbounded preceding and current row)
),

day_inputs as (
    select
        signal_date,
        'days_since_capitulation' as signal_id,
        'value' as measure,
        cast(coalesce(days_since, 10000) as double) as value,
        cast(coalesce(days_since, days_known) as double) as other_value,
        signal_date as observed_date,
        true as is_fresh
    from counted_days
),

inputs as (
    select * from signal_inputs
    union all by name
    select * from state_inputs
    union all by name
    select * from day_inputs
),

{{ rule_evaluation() }},

{{ rule_alternatives() }}

select * from judged_rules
