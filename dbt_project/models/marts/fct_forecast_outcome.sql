-- One row per forecast whose horizon has ended, and forecaster: what came, and the losses of the day.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('analytics', 'forecast_outcome') }}
    where forecast_date + horizon_days + 1 <= {{ as_of() }}
)

select * from rows_known
