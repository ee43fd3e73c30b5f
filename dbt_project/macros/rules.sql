{#
  The rule engine: common table expressions from `rules` and `inputs` to `evaluated`. It knows no threshold and no
  signal by name.

  `rules` has the columns of the seed; `inputs` has (signal_date, signal_id, measure, value, observed_date, is_fresh).
  `evaluated` has one row per rule and date in force: `holds` is true, false, or null for unknown (the
  reading is missing or not fresh, or there are not yet as many readings as the rule asks for).

  A rule begins to hold when as many consecutive readings as it asks for have met the test, and ends when a reading
  fails the exit threshold. Readings are counted, not calendar days: dates that show the same observation are one
  reading, and a past reading counts as it stood on the last date that showed it.
#}

{% macro compares(value, operator, threshold) -%}
    case {{ operator }}
        when '<' then {{ value }} < {{ threshold }}
        when '<=' then {{ value }} <= {{ threshold }}
        when '>' then {{ value }} > {{ threshold }}
        when '>=' then {{ value }} >= {{ threshold }}
    end
{%- endmacro %}

{# What a reading makes of its rule: it begins to hold, it ends, or null where what held before goes on. #}
{% macro turns(readings_met, readings, is_kept) -%}
    case
        when {{ readings_met }} >= {{ readings }} then true
        when not {{ is_kept }} then false
    end
{%- endmacro %}

{# Whether a rule holds; null where the reading is not fresh, or where it meets the test too few times so far. #}
{% macro holding(is_fresh, is_met, decision) -%}
    case
        when not {{ is_fresh }} then null
        when {{ is_met }} and {{ decision }} is null then null
        else coalesce({{ decision }}, false)
    end
{%- endmacro %}

{% macro rule_evaluation() -%}
tested as (
    select
        rules.rule_id,
        rules.readings,
        inputs.signal_date,
        inputs.value,
        inputs.observed_date,
        inputs.is_fresh,
        {{ compares('inputs.value', 'rules.operator', 'rules.enter_threshold') }} as is_met,
        {{ compares('inputs.value', 'rules.operator', 'coalesce(rules.exit_threshold, rules.enter_threshold)') }}
            as is_kept,
        coalesce(inputs.observed_date <> lag(inputs.observed_date) over (
            partition by rules.rule_id order by inputs.signal_date
        ), true) as is_new_reading
    from rules
    join inputs
        on inputs.signal_id = rules.signal_id
        and inputs.measure = rules.measure
        and inputs.signal_date between rules.valid_from and rules.valid_to
    where inputs.value is not null
),

numbered as (
    select
        *,
        count(*) filter (where is_new_reading) over (
            partition by rule_id order by signal_date rows between unbounded preceding and current row
        ) as reading_number
    from tested
),

closings as (
    select
        rule_id,
        reading_number,
        arg_max(is_met, signal_date) as is_met
    from numbered
    group by rule_id, reading_number
),

streaks as (
    select
        rule_id,
        reading_number,
        reading_number - coalesce(max(case when not is_met then reading_number end) over (
            partition by rule_id order by reading_number rows between unbounded preceding and current row
        ), 0) as readings_met
    from closings
),

counted as (
    select
        numbered.*,
        coalesce(streaks.readings_met, 0) as readings_before,
        case when numbered.is_met then 1 + readings_before else 0 end as readings_met
    from numbered
    left join streaks
        on streaks.rule_id = numbered.rule_id
        and streaks.reading_number = numbered.reading_number - 1
),

decided as (
    select
        *,
        last_value({{ turns('readings_met', 'readings', 'is_kept') }} ignore nulls) over (
            partition by rule_id order by signal_date rows between unbounded preceding and current row
        ) as decision
    from counted
),

evaluated as (
    select
        rule_id,
        signal_date,
        value,
        observed_date,
        is_fresh,
        is_met,
        readings_met,
        readings_before,
        lag(decision) over (partition by rule_id order by signal_date) as decision_before,
        {{ holding('is_fresh', 'is_met', 'decision') }} as holds
    from decided
)
{%- endmacro %}

{#
  Alternatives: common table expressions from `rules`, `dates` (signal_date) and `evaluated` to `judged_rules`, one row per
  rule that counts on a date. Of rules that are alternatives of each other only the first rank with anything known counts.
#}

{% macro rule_alternatives() -%}
in_force as (
    select
        dates.signal_date,
        rules.*,
        evaluated.value,
        evaluated.observed_date,
        evaluated.is_fresh,
        evaluated.readings_met,
        evaluated.readings_before,
        evaluated.decision_before,
        evaluated.holds
    from dates
    join rules on dates.signal_date between rules.valid_from and rules.valid_to
    left join evaluated on evaluated.rule_id = rules.rule_id and evaluated.signal_date = dates.signal_date
),

known_ranks as (
    select
        signal_date,
        target_id,
        alternative_group,
        coalesce(min(alternative_rank) filter (where holds is not null), min(alternative_rank)) as alternative_rank
    from in_force
    where alternative_group is not null
    group by signal_date, target_id, alternative_group
),

judged_rules as (
    select in_force.*
    from in_force
    left join known_ranks
        on known_ranks.signal_date = in_force.signal_date
        and known_ranks.target_id = in_force.target_id
        and known_ranks.alternative_group = in_force.alternative_group
    where in_force.alternative_group is null
        or in_force.alternative_rank = known_ranks.alternative_rank
)
{%- endmacro %}

{# A judged rule in words: name, reading, day, test. One that counts for want of a better reading is named as such. #}
{% macro rule_sentence(rule, signal) -%}
    {{ signal }}.name_en || case when {{ rule }}.alternative_rank > 1 then ', standing in, ' else ' ' end
    || case {{ rule }}.measure
        when 'percentile_365d' then 'at percentile '
        when 'change_1d' then 'changed by '
        when 'change_7d' then 'changed in 7 days by '
        else ''
    end
    || {{ number_text(rule ~ '.value') }} || ' (' || coalesce(cast({{ rule }}.observed_date as varchar), 'no date') || ') '
    || {{ rule }}.operator || ' ' || {{ number_text(rule ~ '.enter_threshold') }}
    || case when {{ rule }}.readings > 1 then ' for ' || {{ rule }}.readings || ' readings' else '' end
{%- endmacro %}

{# A number as a person writes it: four significant digits below a million, then millions and billions. #}
{% macro number_text(value) -%}
    case
        when abs({{ value }}) >= 1e9 then printf('%.2f bn', {{ value }} / 1e9)
        when abs({{ value }}) >= 1e6 then printf('%.1f m', {{ value }} / 1e6)
        when abs({{ value }}) >= 1000 then printf('%.0f', {{ value }})
        else printf('%.4g', {{ value }})
    end
{%- endmacro %}
