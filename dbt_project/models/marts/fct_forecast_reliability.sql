-- One row per horizon, event and bin of what was said: how often it happened.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('analytics', 'forecast_reliability') }}
    where true
)

select * from rows_known
