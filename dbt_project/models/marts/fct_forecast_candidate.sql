-- One row per candidate: how it stands before the gate, on days after it was named. None moves the published number.
{{ config(materialized='view') }}
with

candidates as (select * from {{ source('analytics', 'forecast_candidate') }})

select
    candidate,
    horizon_days,
    event,
    named_on,
    windows,
    first_gain_pct,
    second_gain_pct,
    status
from candidates
