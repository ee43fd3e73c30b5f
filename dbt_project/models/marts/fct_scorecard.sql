-- One row per bucket state, condition or regime, and horizon: how often it held, how long, and what followed.
{{ config(materialized='view') }}
with

scorecard as (select * from {{ source('analytics', 'scorecard') }})

select * from scorecard
