-- One row per horizon, event and bin of what was said: how often it happened.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('analytics', 'forecast_reliability') }}
    where true
)

select
    horizon_days,
    method,
    origin,
    event,
    bin_low,
    bin_high,
    said,
    happened,
    days,
    independent_windows
from rows_known
