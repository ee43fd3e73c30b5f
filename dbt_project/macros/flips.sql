{#
  The rule engine run with readings moved. Nothing here decides anything: a moved reading goes through the same
  comparisons, the same persistence (`turns`, `holding`) and the same states (`bucket_states`) as the real one.
#}

{#
  The smallest step of a distance that a reader sees: a unit of the signal's last decimal place, or of the place that is
  printed of a large sum of money. Distances are whole steps, so that the one printed is the one that was tried.
#}
{% macro shown_step(distance, unit, decimals) -%}
    case
        when {{ unit }} = 'USD' and abs({{ distance }}) >= 1e9 then 1e7
        when {{ unit }} = 'USD' and abs({{ distance }}) >= 1e6 then 1e5
        else power(10.0, -{{ decimals }})
    end
{%- endmacro %}

{#
  Common table expressions from `cases` (signal_date, bucket, case_id, repeats), `moves` (signal_date, bucket, case_id,
  signal_id, distance), `judged` (bucket rules as they stand, whose `holds` is `held` here) and `readings` to `rules`,
  one row per case and rule of its bucket: whether it holds if the moved readings were so much larger, and if as many
  readings like today's (`repeats`) came after.
#}
{% macro moved_rules() -%}
moved as (
    select
        judged.* exclude (value, holds, readings_met),
        judged.holds as held,
        cases.case_id,
        cases.repeats,
        moves.distance,
        case
            when moves.distance is null then judged.value
            when judged.measure = 'percentile_365d'
                then 50.0 * (
                    len(readings.values_365d)
                    + len(list_filter(readings.values_365d, lambda past: past < readings.value + moves.distance))
                    - len(list_filter(readings.values_365d, lambda past: past > readings.value + moves.distance))
                ) / len(readings.values_365d)
            when judged.measure = 'zscore_365d' then judged.value + moves.distance / readings.stddev_365d
            else judged.value + moves.distance
        end as value
    from cases
    join judged on judged.signal_date = cases.signal_date and judged.target_id = cases.bucket
    left join moves
        on moves.signal_date = cases.signal_date
        and moves.bucket = cases.bucket
        and moves.case_id = cases.case_id
        and moves.signal_id = judged.signal_id
    left join readings on readings.signal_date = judged.signal_date and readings.signal_id = judged.signal_id
),

compared as (
    select
        *,
        {{ compares('value', 'operator', 'enter_threshold') }} as is_met,
        {{ compares('value', 'operator', 'coalesce(exit_threshold, enter_threshold)') }} as is_kept,
        case when is_met then 1 + readings_before + repeats else 0 end as readings_met
    from moved
),

rules as (
    select
        *,
        coalesce({{ turns('readings_met', 'readings', 'is_kept') }}, decision_before) as decision,
        case when held is not null then {{ holding('is_fresh', 'decision') }} end as holds
    from compared
)
{%- endmacro %}

{#
  The same to `states`, one row per case: the bucket's state. Wants `own_primaries` as well. A case in which a rule would
  become unknown is left out.
#}
{% macro moved_states() -%}
{{ moved_rules() }},

primaries as (
    select
        own_primaries.* exclude (improvement),
        cases.case_id,
        cases.repeats,
        own_primaries.improvement
        + coalesce(moves.distance, 0) * case own_primaries.better_when when 'lower' then -1 else 1 end as improvement
    from cases
    join own_primaries on own_primaries.signal_date = cases.signal_date and own_primaries.bucket = cases.bucket
    left join moves
        on moves.signal_date = cases.signal_date
        and moves.bucket = cases.bucket
        and moves.case_id = cases.case_id
        and moves.signal_id = own_primaries.signal_id
    where not exists (
        select 1 from rules
        where rules.signal_date = cases.signal_date and rules.target_id = cases.bucket and rules.case_id = cases.case_id
            and rules.held is not null and rules.holds is null
    )
),

{{ bucket_states(['signal_date', 'case_id']) }}
{%- endmacro %}
