-- One row per bucket rule in force and date: the reading, whether it holds, and how far it is from turning.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

rules as (
    select * from {{ ref('rules') }}
    where scope = 'bucket'
        and switched_off_because is null
),

inputs as (select * from {{ ref('int_rules__inputs') }}),

{{ rule_evaluation() }},

{{ rule_alternatives() }},

measured as (
    select
        *,
        -- What must be added to the reading to turn the rule, in the signal's own unit.
        case when holds then coalesce(exit_threshold, enter_threshold) else enter_threshold end - value
            as flip_distance
    from judged_rules
)

select * from measured
