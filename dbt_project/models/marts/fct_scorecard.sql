-- One row per bucket state, condition or regime, and horizon: how often it held, how long, and what followed.
{{ config(materialized='view') }}
with

scorecard as (select * from {{ source('analytics', 'scorecard') }})

select
    kind,
    subject,
    state,
    horizon_days,
    days_known,
    days_true,
    spells,
    median_spell_days,
    stretches,
    return_true_pct,
    return_false_pct,
    difference_pct,
    lo90_pct,
    hi90_pct,
    drawdown_true_pct,
    drawdown_false_pct,
    first_half_pct,
    second_half_pct,
    windows,
    verdict
from scorecard
