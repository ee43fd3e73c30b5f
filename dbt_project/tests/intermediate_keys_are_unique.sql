-- The grain of each intermediate model: no two rows share the key, and no part of it is null. Models with versions are
-- held by a test of their own, `one_version_at_a_time`.
{{ config(meta={"dagster": {"ref": {"name": "int_signals__readings"}}}) }}
{%- set keys = {
    'int_buckets__daily': ['signal_date', 'bucket'],
    'int_buckets__primaries': ['signal_date', 'bucket'],
    'int_buckets__rules': ['signal_date', 'rule_id'],
    'int_calendar__readers': ['knowledge', 'signal_date'],
    'int_calendar__signal_dates': ['signal_date'],
    'int_cost_basis__bands': ['provider', 'observed_date', 'price_low_usd', 'known_at'],
    'int_flips__cases': ['signal_date', 'bucket', 'case_id'],
    'int_flips__joint': ['signal_date', 'bucket'],
    'int_flips__joint_cases': ['signal_date', 'bucket', 'case_id', 'signal_id'],
    'int_flips__nearest': ['signal_date', 'bucket'],
    'int_flips__readings': ['signal_date', 'signal_id'],
    'int_flips__single': ['signal_date', 'bucket'],
    'int_framework__daily': ['signal_date', 'condition_id'],
    'int_framework__rules': ['signal_date', 'rule_id'],
    'int_level__coverage': ['signal_date'],
    'int_level__in_use': ['signal_date'],
    'int_level__nodes': ['signal_date', 'cluster_source', 'node_rank'],
    'int_level__path': ['signal_date', 'observed_date'],
    'int_level__standing': ['signal_date'],
    'int_options__daily_snapshots': ['venue', 'observed_date'],
    'int_options__futures_basis': ['venue', 'observed_date'],
    'int_options__monthly_expiry': ['venue', 'observed_date'],
    'int_options__open_interest': ['venue', 'observed_date', 'expiry_time', 'strike_usd', 'option_type'],
    'int_options__put_peak': ['venue', 'observed_date'],
    'int_options__put_premium': ['venue', 'observed_date'],
    'int_price__venue_hours': ['venue', 'market', 'open_time', 'known_at'],
    'int_regime__clauses': ['signal_date'],
    'int_regime__context': ['signal_date'],
    'int_regime__daily': ['signal_date'],
    'int_regime__readings': ['signal_date'],
    'int_regime__relief': ['signal_date'],
    'int_regime__thresholds': ['signal_date'],
    'int_regime__triggers': ['signal_date'],
    'int_rules__inputs': ['signal_date', 'signal_id', 'measure'],
    'int_series__in_use': ['knowledge', 'signal_date', 'series_id'],
    'int_series__providers': ['series_id', 'provider'],
    'int_signals__as_known': ['signal_date', 'signal_id'],
    'int_verdict__conditions': ['signal_date', 'condition_id'],
    'int_verdict__daily': ['signal_date'],
    'int_verdict__evidence': ['signal_date'],
    'int_verdict__position': ['signal_date', 'is_before'],
    'int_verdict__thresholds': ['signal_date'],
    'int_signals__inputs': ['signal_id', 'series_id'],
    'int_signals__readings': ['knowledge', 'signal_date', 'signal_id'],
    'int_signals__unioned': ['knowledge', 'signal_date', 'signal_id'],
} %}
with

broken as (
    {%- for model, key in keys.items() %}
    select
        '{{ model }}' as model,
        concat_ws(' ', {{ key | join(', ') }}) as row_key
    from {{ ref(model) }}
    group by {{ key | join(', ') }}
    having count(*) > 1 or {{ key | join(' is null or ') }} is null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from broken
