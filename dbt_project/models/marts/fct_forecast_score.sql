-- One row per horizon, event, score, period and baseline: the skill of forecasts whose horizon has ended.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('analytics', 'forecast_score') }}
    where as_of_date + 1 <= {{ as_of() }}
)

select
    as_of_date,
    horizon_days,
    method,
    origin,
    event,
    score,
    period,
    baseline,
    ours,
    theirs,
    skill_pct,
    lo90_pct,
    hi90_pct,
    t_windows,
    days,
    independent_windows,
    coverage50,
    coverage90,
    coverage_verdict,
    verdict
from rows_known
