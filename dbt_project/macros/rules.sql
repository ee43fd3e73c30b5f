{#
  The rule engine: common table expressions from `rules` and `inputs` to `evaluated`. It knows no threshold and no
  signal by name.

  `rules` has the columns of the seed; `inputs` has (signal_date, signal_id, measure, value, other_value, observed_date,
  is_fresh, longest_gap_days). `evaluated` has one row per rule and date in force: `holds` is true, false, or null for
  unknown: the reading is missing or not fresh, there are not yet as many readings as the rule asks for, or the reading
  is only known to lie between `value` and `other_value`, of which one meets the test and one does not.

  A rule begins to hold when as many consecutive readings as it asks for have met the test, and ends when a reading
  fails the exit threshold. Readings are counted, not calendar days: dates that show the same observation are one
  reading, and a past reading counts as it stood on the last date that showed it. A hole of more than
  `longest_gap_days` ends what was counted: nobody knows what the readings in it would have been. `hole_date` is its
  last day. Data of trading days have no such limit.
#}

{% macro compares(value, operator, threshold) -%}
    case {{ operator }}
        when '<' then {{ value }} < {{ threshold }}
        when '<=' then {{ value }} <= {{ threshold }}
        when '>' then {{ value }} > {{ threshold }}
        when '>=' then {{ value }} >= {{ threshold }}
    end
{%- endmacro %}

{# A test of a reading that is only known to lie between two values: what both say, null where they differ. #}
{% macro agreed(one, other) -%}
    case when coalesce({{ other }}, {{ one }}) = {{ one }} then {{ one }} end
{%- endmacro %}

{# Rules joined by "and": false if one is, else unknown if one is, else true. #}
{% macro all_of(holds) -%}
    case when bool_or(not {{ holds }}) then false when count({{ holds }}) = count(*) then true end
{%- endmacro %}

{# What a reading makes of its rule: it begins to hold, it ends, or null where what held before goes on. #}
{% macro turns(readings_met, readings, is_kept) -%}
    case
        when {{ readings_met }} >= {{ readings }} then true
        when not {{ is_kept }} then false
    end
{%- endmacro %}

{# Whether a rule holds; null where the reading is not fresh, or nothing so far decides it. #}
{% macro holding(is_fresh, decision) -%}
    case when {{ is_fresh }} then {{ decision }} end
{%- endmacro %}

{% macro rule_evaluation() -%}
tested as (
    select
        rules.rule_id,
        rules.readings,
        inputs.signal_date,
        coalesce(inputs.other_value, inputs.value) as value,
        inputs.observed_date,
        inputs.is_fresh,
        {{ agreed(compares('inputs.value', 'rules.operator', 'rules.enter_threshold'),
            compares('inputs.other_value', 'rules.operator', 'rules.enter_threshold')) }} as is_met,
        {{ agreed(
            compares('inputs.value', 'rules.operator', 'coalesce(rules.exit_threshold, rules.enter_threshold)'),
            compares('inputs.other_value', 'rules.operator', 'coalesce(rules.exit_threshold, rules.enter_threshold)')
        ) }} as is_kept,
        lag(inputs.observed_date) over by_date as previous_date,
        coalesce(inputs.observed_date <> previous_date, true) as is_new_reading,
        coalesce(inputs.observed_date - previous_date > inputs.longest_gap_days, false) as is_after_hole
    from rules
    join inputs
        on inputs.signal_id = rules.signal_id
        and inputs.measure = rules.measure
        and inputs.signal_date between rules.valid_from and rules.valid_to
    where inputs.value is not null
    window by_date as (partition by rules.rule_id order by inputs.signal_date)
),

numbered as (
    select
        *,
        count(*) filter (where is_new_reading) over so_far as reading_number,
        count(*) filter (where is_after_hole) over so_far as stretch,
        max(case when is_after_hole then observed_date - 1 end) over so_far as hole_date
    from tested
    window so_far as (partition by rule_id order by signal_date rows between unbounded preceding and current row)
),

closings as (
    select
        rule_id,
        stretch,
        reading_number,
        arg_max(coalesce(is_met, false), signal_date) as is_met
    from numbered
    group by rule_id, stretch, reading_number
),

streaks as (
    select
        rule_id,
        stretch,
        reading_number,
        reading_number - coalesce(
            max(case when not is_met then reading_number end) over so_far, min(reading_number) over so_far - 1
        ) as readings_met
    from closings
    window so_far as (
        partition by rule_id, stretch order by reading_number rows between unbounded preceding and current row
    )
),

counted as (
    select
        numbered.*,
        coalesce(streaks.readings_met, 0) as readings_before,
        case when numbered.is_met then 1 + readings_before else 0 end as readings_met
    from numbered
    left join streaks
        on streaks.rule_id = numbered.rule_id
        and streaks.stretch = numbered.stretch
        and streaks.reading_number = numbered.reading_number - 1
),

decided as (
    select
        *,
        last_value({{ turns('readings_met', 'readings', 'is_kept') }} ignore nulls) over (
            partition by rule_id, stretch order by signal_date rows between unbounded preceding and current row
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
        hole_date,
        lag(decision) over (partition by rule_id, stretch order by signal_date) as decision_before,
        {{ holding('is_fresh and is_met is not null', 'decision') }} as holds
    from decided
)
{%- endmacro %}

{#
  Alternatives: common table expressions from `rules`, `dates` (signal_date) and `evaluated` to `judged_rules`, one row per
  rule that counts on a date. Of rules that are alternatives of each other, in each direction, the first rank counts that
  decides: one that holds of `continues`, one that fails of `confirms`, else one of which everything is known. So a
  reading that is missing beside others of its rank never hides a stand-in that would count if the others were missing
  too. If none decides, the first with anything known counts.
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
        evaluated.hole_date,
        evaluated.holds
    from dates
    join rules on dates.signal_date between rules.valid_from and rules.valid_to
    left join evaluated on evaluated.rule_id = rules.rule_id and evaluated.signal_date = dates.signal_date
),

ranked_groups as (
    select
        signal_date,
        target_id,
        alternative_group,
        alternative_rank,
        direction,
        {{ all_of('holds') }} as holds,
        bool_or(holds is not null) as is_known
    from in_force
    where alternative_group is not null
    group by signal_date, target_id, alternative_group, alternative_rank, direction, rule_group
),

ranks as (
    select
        signal_date,
        target_id,
        alternative_group,
        alternative_rank,
        direction,
        bool_or(is_known) as is_known,
        bool_and(holds is not null)
        or (direction = 'continues' and bool_or(holds))
        or (direction = 'confirms' and bool_or(not holds)) as is_decided
    from ranked_groups
    group by signal_date, target_id, alternative_group, alternative_rank, direction
),

known_ranks as (
    select
        signal_date,
        target_id,
        alternative_group,
        direction,
        coalesce(
            min(alternative_rank) filter (where is_decided),
            min(alternative_rank) filter (where is_known),
            min(alternative_rank)
        ) as alternative_rank
    from ranks
    group by signal_date, target_id, alternative_group, direction
),

judged_rules as (
    select in_force.*
    from in_force
    left join known_ranks
        on known_ranks.signal_date = in_force.signal_date
        and known_ranks.target_id = in_force.target_id
        and known_ranks.alternative_group = in_force.alternative_group
        and known_ranks.direction = in_force.direction
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
