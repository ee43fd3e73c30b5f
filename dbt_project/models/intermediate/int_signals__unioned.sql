-- One row per reader, signal date and signal.
{{ config(materialized='view') }}
with

unioned as (
    {%- for subject in ['price'] + var('buckets') %}
    select knowledge, signal_date, signal_id, value
    from {{ ref('int_signals__' ~ subject) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from unioned
