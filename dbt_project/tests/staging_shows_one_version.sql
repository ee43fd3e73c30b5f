-- Staging shows each key as one version at a time: no part of a key is null, no two versions are open, none overlap.
-- Which columns make a key stands beside each view in `_sources.yml`.
-- depends_on: {{ ref('int_observations__unioned') }}
{{ config(meta={"dagster": {"ref": {"name": "int_observations__unioned"}}}) }}
with

broken as (
    {%- for view in (graph.sources.values() if execute else []) if view.source_name == 'staging' %}
    select
        '{{ view.name }}' as view_name,
        to_json(versions) as version
    from ({{ overlapping_versions(view.relation_name, view.config.meta.key) }}) as versions
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        null as view_name,
        null as version
    where false
    {%- endfor %}
)

select * from broken
