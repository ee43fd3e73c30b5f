-- One row per forecast date, horizon, method, price and role: what was said of the price. Never rewritten.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('raw', 'forecast_strike_log') }}
    where issued_at <= {{ as_of() }}
)

select * from rows_known
