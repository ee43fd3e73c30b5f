-- One row per date: the regime, the framework's conditions (null = unknown), and the inputs that decided it.
with

regimes as (select * from {{ ref('int_regime__daily') }}),

levels as (select * from {{ ref('int_level__in_use') }}),

verdicts as (select * from {{ ref('int_verdict__daily') }}),

clauses as (select * from {{ ref('int_regime__clauses') }}),

rules as (select * from {{ ref('rules') }}),

version as (
    select left(md5(string_agg(cast(rules as varchar), chr(10) order by rule_id)), 12) as rules_version
    from rules
),

runs as (
    select
        *,
        count(*) filter (where is_change) over (
            order by signal_date rows between unbounded preceding and current row
        ) as run
    from (
        select
            *,
            coalesce(regime <> lag(regime) over (order by signal_date), true) as is_change
        from regimes
    )
),

described as (
    select
        runs.signal_date,
        runs.regime,
        row_number() over (partition by runs.run order by runs.signal_date) as days_in_regime,
        runs.h1,
        runs.h2,
        runs.h3,
        runs.r1,
        runs.r2,
        runs.r3,
        runs.s1,
        runs.s2,
        runs.s3,
        case
            when runs.s1 is not true then 'S1'
            when runs.s2 is not true then 'S2'
            when runs.s3 is not true then 'S3'
        end as next_condition,
        verdicts.* exclude (signal_date),
        runs.buckets_known,
        case
            when runs.closes_below_cluster_3d > 0 then false
            when runs.closes_in_cluster_3d = 3 then true
        end as holds_cluster,
        runs.worsening = 0 as nothing_worsens,
        runs.conditions_met = 3 and 2 * runs.bulls > runs.buckets_known and runs.bears = 0 as fully_confirmed,
        runs.btc_close_usd,
        runs.level_usd,
        runs.cluster_low_usd,
        runs.cluster_high_usd,
        runs.cluster_source,
        levels.close_to_cluster,
        100 * levels.share_of_profile as cluster_share_of_profile_pct,
        levels.level_seen_date,
        levels.level_since,
        levels.level_before_usd,
        levels.level_before_low_usd,
        levels.level_before_source,
        levels.level_moved_because,
        levels.level_closed_through_date,
        levels.redrawn_from_usd as level_redrawn_from_usd,
        levels.none_because as level_none_because,
        levels.floor_low_usd,
        levels.floor_high_usd,
        levels.ceiling_low_usd,
        levels.ceiling_high_usd,
        clauses.clause as regime_clause,
        clauses.clause_en as regime_decided_by,
        clauses.clause_zh as regime_decided_by_zh,
        version.rules_version,
        case runs.regime
            when 'unknown'
                then case
                    when runs.btc_close_usd is null then 'no fresh price'
                    else 'too little is known: ' || runs.buckets_known || ' of 7 buckets; missing: '
                        || coalesce(runs.unknown_buckets, 'none')
                end
            when 'capitulation'
                then case
                    when runs.is_trigger then runs.trigger_evidence
                    else 'the day after the fall of ' || runs.last_trigger_date
                end
            when 'relief_rally'
                then 'rebound since ' || runs.relief_entered_date || ' from the low of '
                    || {{ number_text('runs.relief_low_usd') }} || ' after the fall of ' || runs.last_trigger_date
            else runs.bulls || ' buckets bull, ' || runs.bears || ' bear of ' || runs.buckets_known || ' known; '
                || coalesce(
                    'close ' || {{ number_text('runs.btc_close_to_level_pct') }} || ' % against the level', 'no level'
                )
                || '; ' || runs.conditions_met || ' of H1-H3 hold today'
                || case when runs.conditions_known < 3 then ' (' || runs.conditions_known || ' known)' else '' end
                || '; ' || clauses.clause_en
                || case
                    when runs.regime = 'distribution' and runs.is_turning
                        then '; ' || runs.turning_evidence
                    else ''
                end
                || case when runs.own_label <> runs.regime then '; today alone would be ' || runs.own_label else '' end
                || coalesce(
                    '; ' || case when runs.is_sharp_fall and not runs.is_trigger then runs.trigger_evidence end, ''
                )
        end as explanation
    from runs
    join levels on levels.signal_date = runs.signal_date
    join verdicts on verdicts.signal_date = runs.signal_date
    left join clauses on clauses.signal_date = runs.signal_date
    cross join version
)

select
    signal_date,
    regime,
    days_in_regime,
    h1,
    h2,
    h3,
    r1,
    r2,
    r3,
    s1,
    s2,
    s3,
    next_condition,
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
    decided_by,
    decided_by_zh,
    nearest_edge_usd,
    close_to_nearest_edge_pct,
    verdict_line,
    verdict_line_zh,
    buckets_known,
    holds_cluster,
    nothing_worsens,
    fully_confirmed,
    btc_close_usd,
    level_usd,
    cluster_low_usd,
    cluster_high_usd,
    cluster_source,
    close_to_cluster,
    cluster_share_of_profile_pct,
    level_seen_date,
    level_since,
    level_before_usd,
    level_before_low_usd,
    level_before_source,
    level_moved_because,
    level_closed_through_date,
    level_redrawn_from_usd,
    level_none_because,
    floor_low_usd,
    floor_high_usd,
    ceiling_low_usd,
    ceiling_high_usd,
    regime_clause,
    regime_decided_by,
    regime_decided_by_zh,
    rules_version,
    explanation
from described
