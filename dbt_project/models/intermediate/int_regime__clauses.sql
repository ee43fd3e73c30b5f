-- One row per date with a slow regime: the clause of its own rule that decided it, in each language. Where the label of
-- earlier days is still in force, that is what makes it last.
with

regimes as (select * from {{ ref('int_regime__daily') }}),

phrases as (
    select
        map_from_entries(list((phrase_id, en))) as en,
        map_from_entries(list((phrase_id, zh))) as zh
    from {{ ref('verdict_phrases') }}
),

keyed as (
    select
        *,
        'regime_' || case
            when regime = 'distribution' and own_label = regime then 'distribution_own'
            when regime = 'distribution' then 'distribution_lasts'
            when regime = 'expansion' and own_label = regime then 'expansion_own'
            when regime = 'confirmed_recovery' and own_label = regime then 'confirmed_recovery_own'
            when regime in ('expansion', 'confirmed_recovery') then 'recovery_lasts'
            when regime = 'stabilizing' and own_label = regime then 'stabilizing_own'
            when regime = 'stabilizing' and smoothed_label = established_label and lasts then 'stabilizing_lasts'
            when regime = 'stabilizing' then 'stabilizing_waits'
            when own_label = regime and btc_close_to_level_pct < 0 and 2 * bears > buckets_known
                then 'bear_below_level'
            when own_label = regime and 2 * bears > buckets_known and btc_close_to_30d_mean_pct < 0
                and drawdown_from_90d_high_pct <= bear_drawdown_pct then 'bear_drawdown'
            when own_label = regime and btc_close_usd < cluster_low_usd and bears >= greatest(bear_cluster_bears, bulls)
                then 'bear_below_cluster'
            when own_label = regime then 'bear_three_closes'
            when btc_close_to_level_pct <= bear_lasts_level_pct and btc_close_to_level_pct < 0
                then 'bear_lasts_below_level'
            when btc_close_to_level_pct <= bear_lasts_level_pct then 'bear_lasts_near_level'
            when bears >= bear_lasts_bears then 'bear_lasts_bears'
            else 'bear_lasts_mean'
        end as clause
    from regimes
    where regime in ('distribution', 'expansion', 'confirmed_recovery', 'bear_continuation', 'stabilizing')
),

said as (
    select
        keyed.signal_date,
        keyed.clause,
        {%- for language in ['en', 'zh'] %}
        {{ phrase(language, 'keyed.clause', {
            'high': "printf('%.1f', keyed.distance_from_high_pct)",
            'high_date': 'cast(keyed.high_365d_date as varchar)',
            'high_limit': "printf('%.0f', -keyed.high_lasts_pct)",
            'bears_limit': "printf('%.0f', keyed.expansion_bears)",
            'bulls_limit': "printf('%.0f', keyed.bear_cluster_bulls)",
            'drawdown': "printf('%.1f', keyed.drawdown_from_90d_high_pct)",
            'distance': "printf('%.1f', abs(keyed.btc_close_to_level_pct))",
            'level_limit': "printf('%.0f', keyed.bear_lasts_level_pct)",
            'bears': 'cast(keyed.bears as varchar)',
            'mean': "printf('%.1f', keyed.btc_close_to_30d_mean_pct)",
        }) }} as clause_{{ language }}{{ ',' if not loop.last }}
        {%- endfor %}
    from keyed
    cross join phrases
)

select * from said
