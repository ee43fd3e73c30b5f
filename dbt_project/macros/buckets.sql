{#
  From rules to a bucket's state: common table expressions from `rules` (judged bucket rules) and `primaries` to
  `states`, one row per bucket and `keys`. `keys` are the columns that tell cases apart: the date, or the date and a
  scenario in which a reading was moved.

  `unknown` if the primary is not fresh; `bear` if any continuing group holds, as far as known; `bull` if all confirming
  groups hold, none missing; else the primary's own direction beyond a dead band.
#}

{% macro bucket_states(keys=['signal_date']) -%}
{%- set key = keys | join(', ') -%}
groups as (
    select
        {{ key }},
        target_id as bucket,
        direction,
        rule_group,
        case
            when bool_or(not holds) then false
            when count(holds) = count(*) then true
        end as holds_strictly,
        case when count(holds) > 0 then bool_and(holds) end as holds_as_far_as_known
    from rules
    group by {{ key }}, target_id, direction, rule_group
),

counts as (
    select
        {{ key }},
        bucket,
        count(*) filter (where direction = 'confirms' and holds_strictly) as confirms_met,
        count(*) filter (where direction = 'confirms') as confirms_total,
        count(*) filter (where direction = 'continues' and holds_as_far_as_known) as continues_met,
        count(*) filter (where direction = 'continues') as continues_total
    from groups
    group by {{ key }}, bucket
),

states as (
    select
        primaries.*,
        counts.* exclude (bucket, {{ key }}),
        case
            when not primaries.is_fresh then 'unknown'
            when counts.continues_met > 0 then 'bear'
            when counts.confirms_met = counts.confirms_total then 'bull'
            when primaries.improvement > primaries.dead_band then 'improving'
            when primaries.improvement < -primaries.dead_band then 'worsening'
            else 'neutral'
        end as state
    from primaries
    join counts on counts.bucket = primaries.bucket
        {%- for name in keys %} and counts.{{ name }} = primaries.{{ name }}{% endfor %}
)
{%- endmacro %}
