-- One row per horizon, event, score, period and baseline: the skill of forecasts whose horizon has ended.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('analytics', 'forecast_score') }}
    where as_of_date + 1 <= {{ as_of() }}
)

select * from rows_known
