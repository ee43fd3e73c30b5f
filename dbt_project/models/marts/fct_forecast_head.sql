-- One row per publication of forecasts: its place in the chain of hashes. Appended to, never rewritten.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('raw', 'forecast_head') }}
    where published_at <= {{ as_of() }}
)

select
    sequence,
    published_at,
    forecasts,
    strikes,
    previous_head,
    head
from rows_known
