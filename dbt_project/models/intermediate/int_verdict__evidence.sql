-- One row per date: what the conditions met and the warnings on say of the level. What it would be if every unknown one
-- turned out well, and if every one turned out badly; unknown where the two differ.
with

conditions as (select * from {{ ref('int_verdict__conditions') }}),

thresholds as (select * from {{ ref('int_verdict__thresholds') }}),

counted as (
    select
        conditions.signal_date,
        any_value(thresholds.for_conditions) as for_conditions,
        any_value(thresholds.for_warnings) as for_warnings,
        any_value(thresholds.against_conditions) as against_conditions,
        any_value(thresholds.against_warnings) as against_warnings,
        {%- for letter, name, verb in [('H', 'conditions', 'met'), ('R', 'warnings', 'on')] %}
        count(*) filter (where left(condition_id, 1) = '{{ letter }}' and counts) as {{ name }}_{{ verb }},
        count(counts) filter (where left(condition_id, 1) = '{{ letter }}') as {{ name }}_known,
        count(*) filter (where left(condition_id, 1) = '{{ letter }}') as {{ name }}_total
        {{- ',' if not loop.last }}
        {%- endfor %}
    from conditions
    join thresholds on thresholds.signal_date = conditions.signal_date
    group by conditions.signal_date
),

judged as (
    select
        signal_date,
        conditions_met,
        conditions_known,
        conditions_total,
        warnings_on,
        warnings_known,
        warnings_total,
        {{ evidence_of('conditions_met + conditions_total - conditions_known', 'warnings_on') }} as evidence_best,
        {{ evidence_of('conditions_met', 'warnings_on + warnings_total - warnings_known') }} as evidence_worst,
        case when evidence_best = evidence_worst then evidence_best else 'unknown' end as evidence_for_level
    from counted
)

select * from judged
