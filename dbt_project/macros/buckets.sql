{#
  From rules to a bucket's state: common table expressions from `rules` (judged bucket rules) and `primaries` to
  `states`, one row per bucket and `keys`. `keys` are the columns that tell cases apart: the date, or the date and a
  scenario in which a reading was moved.

  `bear` if any continuing group holds; else `bull` if all confirming groups hold; else the primary's own direction
  beyond a dead band. Three-valued throughout: `state_at_best` and `state_at_worst` are what the missing readings could
  make of it, and the state is `unknown` where these differ, or where the primary is not fresh.
#}

{% macro bucket_states(keys=['signal_date']) -%}
{%- set key = keys | join(', ') -%}
groups as (
    select
        {{ key }},
        target_id as bucket,
        direction,
        rule_group,
        {{ all_of('holds') }} as holds
    from rules
    group by {{ key }}, target_id, direction, rule_group
),

counts as (
    select
        {{ key }},
        bucket,
        count(*) filter (where direction = 'confirms' and holds) as confirms_met,
        count(*) filter (where direction = 'confirms') as confirms_total,
        count(*) filter (where direction = 'continues' and holds) as continues_met,
        count(*) filter (where direction = 'continues') as continues_total,
        continues_met > 0 as is_bear,
        continues_met > 0 or count(*) filter (where direction = 'continues' and holds is null) > 0 as may_be_bear,
        confirms_met = confirms_total as is_bull,
        count(*) filter (where direction = 'confirms' and not holds) = 0 as may_be_bull
    from groups
    group by {{ key }}, bucket
),

bounds as (
    select
        primaries.*,
        counts.* exclude (bucket, {{ key }}),
        case
            when not primaries.is_fresh then null
            when primaries.improvement > primaries.dead_band then 'improving'
            when primaries.improvement < -primaries.dead_band then 'worsening'
            when primaries.improvement is not null then 'neutral'
        end as lean,
        case
            when counts.is_bear then 'bear'
            when counts.may_be_bull then 'bull'
            else coalesce(lean, 'improving')
        end as state_at_best,
        case
            when counts.may_be_bear then 'bear'
            when counts.is_bull then 'bull'
            else coalesce(lean, 'worsening')
        end as state_at_worst
    from primaries
    join counts on counts.bucket = primaries.bucket
        {%- for name in keys %} and counts.{{ name }} = primaries.{{ name }}{% endfor %}
),

states as (
    select
        *,
        case when is_fresh and state_at_best = state_at_worst then state_at_best else 'unknown' end as state
    from bounds
)
{%- endmacro %}

{# A state as a number that rules compare, more for better. #}
{% macro state_number(state) -%}
    cast(case {{ state }}
        when 'bull' then 2
        when 'improving' then 1
        when 'neutral' then 0
        when 'worsening' then -1
        when 'bear' then -2
    end as double)
{%- endmacro %}
