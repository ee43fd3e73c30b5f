-- Every regime as it was published, with the rules and the code that made it. Appended to, never rewritten.
{{ config(materialized='view') }}
with

log as (select * from {{ source('raw', 'regime_log') }} where published_at <= {{ as_of() }})

select * from log
