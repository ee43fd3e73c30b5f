-- One row per date: the numbers of the verdict in force, one column each, from the rows of scope `verdict`.
{%- set names = [
    'side_closes', 'side_days', 'recent_closes', 'repeat_days', 'h1_repeats', 'h2_repeats', 'h3_repeats', 'r1_repeats',
    'r2_repeats', 'r3_repeats', 'for_conditions', 'for_warnings', 'against_warnings', 'against_conditions',
    'level_move_days',
] %}
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

rules as (select * from {{ ref('rules') }} where scope = 'verdict' and switched_off_because is null),

thresholds as (
    select
        dates.signal_date,
        {%- for name in names %}
        cast(max(rules.enter_threshold) filter (where rules.target_id = '{{ name }}') as integer) as {{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from dates
    join rules on dates.signal_date between rules.valid_from and rules.valid_to
    group by dates.signal_date
)

select * from thresholds
