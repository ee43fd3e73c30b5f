{#
  Tables and views are replaced in one statement, which DuckDB does whole or not at all. What dbt-duckdb does instead
  (build beside the old one, rename twice, drop) is four more statements a model, a fifth of the CPU seconds of a build
  of little data.
#}

{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {% set is_sql = model['language'] == 'sql' %}
    {% do make_way_for(target, is_replaced=is_sql) %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main', language=model['language']) -%}
        {%- if is_sql -%}
            {{ hold_contract(compiled_code) }}
            create or replace table {{ target }} as ({{ compiled_code }})
        {%- else -%}
            {{ create_table_as(False, target, compiled_code, 'python') }}
        {%- endif -%}
    {%- endcall %}
    {{ return(made(target)) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {% do make_way_for(target, is_replaced=True) %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        {{ hold_contract(sql) }}
        create or replace view {{ target }} as ({{ sql }})
    {%- endcall %}
    {{ return(made(target)) }}
{% endmaterialization %}

{# Fails the build where a model with a contract gives other columns or types than those declared. #}
{% macro hold_contract(sql) %}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}
{% endmacro %}

{# Drops what goes by the name of a relation and cannot be replaced by it: one of the other kind; for Python any. #}
{% macro make_way_for(target, is_replaced) %}
    {%- set existing = load_cached_relation(target) -%}
    {% if existing is not none and not (is_replaced and existing.type == target.type) %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
{% endmacro %}

{# What follows once a relation stands: its comments, hooks, the commit. #}
{% macro made(target) %}
    {% do persist_docs(target, model) %}
    {% do run_hooks(post_hooks) %}
    {% do adapter.commit() %}
    {{ return({'relations': [target]}) }}
{% endmacro %}
