-- One row per forecast date, horizon and method: the forecast as it was made. Appended to, never rewritten.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('raw', 'forecast_log') }}
    where issued_at <= {{ as_of() }}
)

select * from rows_known
