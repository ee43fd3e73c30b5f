-- One row per framework rule in force and date. The inputs are the signals, the buckets' states as numbers
-- (bull 2, improving 1, neutral 0, worsening -1, bear -2) and the days since the last capitulation.
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
        cast(case state
            when 'bull' then 2
            when 'improving' then 1
            when 'neutral' then 0
            when 'worsening' then -1
            when 'bear' then -2
        end as double) as value,
        signal_date as observed_date,
        true as is_fresh
    from buckets
),

-- Before the first one there is no date to count from: the count then runs from the first date.
days_since as (
    select
        signal_date,
        'days_since_capitulation' as signal_id,
        'value' as measure,
        cast(signal_date - coalesce(
            max(case when is_trigger then signal_date end) over so_far, min(signal_date) over so_far - 365
        ) as double) as value,
        signal_date as observed_date,
        true as is_fresh
    from triggers
    window so_far as (order by signal_date rows between unbounded preceding and current row)
),

inputs as (
    select * from signal_inputs
    union all by name
    select * from state_inputs
    union all by name
    select * from days_since
),

{{ rule_evaluation() }},

{{ rule_alternatives() }}

select * from judged_rules
