-- One row per date: the verdict. Position and evidence, and the line that says both, in each language, put together
-- from the seed `verdict_phrases`.
{%- set languages = ['en', 'zh'] %}
with

positions as (select * from {{ ref('int_verdict__position') }}),

evidence as (select * from {{ ref('int_verdict__evidence') }}),

conditions as (select * from {{ ref('int_verdict__conditions') }}),

levels as (select * from {{ ref('int_level__in_use') }}),

thresholds as (select * from {{ ref('int_verdict__thresholds') }}),

reasons as (select * from {{ ref('level_none_reasons') }}),

phrases as (
    select
        {%- for language in languages %}
        map_from_entries(list((phrase_id, {{ language }}))) as {{ language }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('verdict_phrases') }}
),

named as (
    select
        conditions.signal_date,
        conditions.condition_id,
        conditions.counts,
        {%- for language in languages %}
        conditions.condition_id || ' ' || {{ phrase(language, 'conditions.condition_id') }} as plain_{{ language }},
        case
            when conditions.counts is null
                then {{ phrase(language, "'unknown_one'", {
                    'condition': 'plain_' ~ language,
                    'inputs': 'coalesce(conditions.waits_for_' ~ language ~ ', phrases.' ~ language ~ "['days_before'])",
                }) }}
            when conditions.stand_in_{{ language }} is not null
                then {{ phrase(language, "'stand_in'", {
                    'condition': 'plain_' ~ language, 'signal': 'conditions.stand_in_' ~ language,
                }) }}
            else plain_{{ language }}
        end as name_{{ language }}{{ ',' if not loop.last }}
        {%- endfor %}
    from conditions
    cross join phrases
),

lists as (
    select
        signal_date,
        {%- for language in languages %}
        {%- set joint = "'; '" if language == 'en' else "'；'" %}
        string_agg(name_{{ language }}, {{ joint }} order by condition_id)
            filter (where left(condition_id, 1) = 'H' and counts) as met_{{ language }},
        string_agg(name_{{ language }}, {{ joint }} order by condition_id)
            filter (where left(condition_id, 1) = 'R' and counts) as on_{{ language }},
        string_agg(name_{{ language }}, {{ joint }} order by condition_id)
            filter (where counts is null) as unknown_{{ language }},
        string_agg(plain_{{ language }}, {{ joint }} order by condition_id)
            filter (where counts is null) as idle_{{ language }}{{ ',' if not loop.last }}
        {%- endfor %}
    from named
    group by signal_date
),

joined as (
    select
        evidence.*,
        lists.* exclude (signal_date),
        coalesce(own.position, 'none') as position,
        own.side,
        own.side_since,
        own.closes_in_a_row,
        own.close_usd,
        coalesce(own.level_usd, levels.level_usd) as level_usd,
        own.cluster_low_usd,
        own.last_above_date,
        own.last_below_date,
        own.was_below_lately,
        earlier.position as position_before,
        levels.none_because,
        levels.level_since,
        levels.level_before_usd,
        levels.redrawn_from_usd,
        thresholds.side_days,
        levels.level_since > evidence.signal_date - thresholds.level_move_days and position_before <> own.position
            as is_move_named,
        case evidence.evidence_for_level
            when 'for' then 'for'
            when 'against' then 'against'
            when 'open'
                then case
                    when evidence.conditions_met > 0 and evidence.warnings_on > 0 then 'divided' else 'undecided'
                end
            else case
                when evidence.evidence_best = 'for' and evidence.evidence_worst = 'against' then 'either'
                when evidence.evidence_best = 'for' then 'at_best_for'
                else 'at_worst_against'
            end
        end as evidence_key,
        case
            when own.position in ('above', 'reclaimed') and evidence.evidence_for_level = 'for' then 'joint_and'
            when own.position in ('above', 'reclaimed') and evidence.evidence_for_level = 'against' then 'joint_but'
            when own.position in ('contested', 'broken', 'lost') and evidence.evidence_for_level = 'for'
                then 'joint_but'
            when own.position in ('contested', 'broken', 'lost') and evidence.evidence_for_level = 'against'
                then 'joint_and'
            else 'joint_apart'
        end as joint_key,
        'position_' || coalesce(own.position, 'none')
        || case own.position
            when 'tested'
                then case
                    when own.was_below_lately then '_back' when own.last_above_date is null then '_no_side' else ''
                end
            when 'broken'
                then case
                    when own.last_below_date > coalesce(own.side_since, date '0001-01-01') then '_again' else ''
                end
            when 'lost' then case when own.last_above_date is null then '_no_side' else '' end
            else case when own.position is null and levels.level_usd is not null then '_no_price' else '' end
        end as wording,
        case
            when own.closes_in_a_row = 1 and list_contains(map_keys(phrases.en), wording || '_one')
                then wording || '_one'
            else wording
        end as position_key
    from evidence
    join lists on lists.signal_date = evidence.signal_date
    join levels on levels.signal_date = evidence.signal_date
    join thresholds on thresholds.signal_date = evidence.signal_date
    left join positions as own on own.signal_date = evidence.signal_date and not own.is_before
    left join positions as earlier on earlier.signal_date = evidence.signal_date and earlier.is_before
    cross join phrases
),

spoken as (
    select
        joined.*,
        {%- for language in languages %}
        coalesce(
            {% if language == 'zh' %}regexp_replace(joined.none_because, reasons.pattern, reasons.zh),{% endif %}
            joined.none_because,
            phrases.{{ language }}['no_price']
        ) as reason_{{ language }},
        {{ phrase(language, 'joined.position_key', {
            'n': 'cast(joined.closes_in_a_row as varchar)',
            'level': price_text('joined.level_usd'),
            'low': price_text('joined.cluster_low_usd'),
            'above_date': day_text('joined.last_above_date', 'joined.signal_date', language),
            'below_date': day_text('joined.last_below_date', 'joined.signal_date', language),
            'days': 'cast(joined.side_days as varchar)',
            'reason': 'reason_' ~ language,
        }) }} as where_{{ language }},
        case
            when joined.is_move_named
                then {{ phrase(language, "'moved'", {
                    'before': price_text('joined.level_before_usd'),
                    'since': day_text('joined.level_since', 'joined.signal_date', language),
                    'word': phrase(language, "'word_' || joined.position_before"),
                }) }}
            when joined.redrawn_from_usd is not null
                then {{ phrase(language, "'redrawn'", {'before': price_text('joined.redrawn_from_usd')}) }}
            else ''
        end as moved_{{ language }},
        {%- for letter, name, verb in [('H', 'conditions', 'met'), ('R', 'warnings', 'on')] %}
        {{ phrase(
            language,
            "case joined." ~ name ~ "_known when joined." ~ name ~ "_total then '" ~ name ~ "_known' when 0 then '" ~ name
            ~ "_none' else '" ~ name ~ "_some' end",
            {'n': 'cast(joined.' ~ name ~ '_' ~ verb ~ ' as varchar)', 'total': 'cast(joined.' ~ name ~ '_known as varchar)'}
        ) }} as {{ name }}_{{ language }},
        {%- endfor %}
        case
            when joined.evidence_for_level = 'unknown'
                then {{ phrase(language, "'unknown'", {'list': 'joined.unknown_' ~ language}) }}
            when joined.evidence_for_level = 'for'
                then {{ phrase(language, "'met'", {'list': 'joined.met_' ~ language}) }}
            when joined.evidence_for_level = 'against'
                then {{ phrase(language, "'on'", {'list': 'joined.on_' ~ language}) }}
            when joined.conditions_met > 0 and joined.warnings_on > 0
                then {{ phrase(language, "'met'", {'list': 'joined.met_' ~ language}) }}
                    || phrases.{{ language }}['semicolon']
                    || {{ phrase(language, "'on'", {'list': 'joined.on_' ~ language}) }}
            when joined.conditions_met > 0
                then {{ phrase(language, "'met_only'", {'list': 'joined.met_' ~ language}) }}
            when joined.warnings_on > 0
                then {{ phrase(language, "'on_only'", {'list': 'joined.on_' ~ language}) }}
            else phrases.{{ language }}['neither']
        end
        || case
            when joined.evidence_for_level <> 'unknown' and joined.idle_{{ language }} is not null
                then phrases.{{ language }}['semicolon']
                    || {{ phrase(language, "'unknown_idle'", {'list': 'joined.idle_' ~ language}) }}
            else ''
        end as decided_by_{{ language }},
        where_{{ language }} || moved_{{ language }}
        || phrases.{{ language }}[joined.joint_key]
        || phrases.{{ language }}['evidence_' || joined.evidence_key] || phrases.{{ language }}['colon']
        || conditions_{{ language }} || phrases.{{ language }}['comma'] || warnings_{{ language }}
        || phrases.{{ language }}['open'] || decided_by_{{ language }} || phrases.{{ language }}['close']
            as verdict_line_{{ language }}{{ ',' if not loop.last }}
        {%- endfor %}
    from joined
    cross join phrases
    left join reasons on regexp_matches(joined.none_because, reasons.pattern)
),

verdict as (
    select
        signal_date,
        position,
        side,
        side_since,
        closes_in_a_row,
        evidence_for_level,
        evidence_best,
        evidence_worst,
        conditions_met,
        conditions_known,
        warnings_on,
        warnings_known,
        decided_by_en as decided_by,
        decided_by_zh,
        -- The edge that the close is nearest to, and how far the close stands from it.
        case
            when abs(close_usd / level_usd - 1) <= abs(close_usd / cluster_low_usd - 1) then level_usd
            else cluster_low_usd
        end as nearest_edge_usd,
        100 * (close_usd / nearest_edge_usd - 1) as close_to_nearest_edge_pct,
        verdict_line_en as verdict_line,
        verdict_line_zh
    from spoken
)

select * from verdict
