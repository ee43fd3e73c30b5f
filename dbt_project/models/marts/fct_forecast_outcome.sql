-- One row per forecast whose horizon has ended, and forecaster: what came, and the losses of the day.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('analytics', 'forecast_outcome') }}
    where forecast_date + horizon_days + 1 <= {{ as_of() }}
)

select
    forecast_date,
    horizon_days,
    method,
    origin,
    forecaster,
    close_move,
    low_move,
    high_move,
    lowest_close_move,
    highest_close_move,
    pit_close,
    pit_low,
    pit_high,
    pit_lowest_close,
    pit_highest_close,
    crps_close,
    crps_low,
    crps_high,
    crps_lowest_close,
    crps_highest_close,
    brier_close_below,
    brier_touch_from_above,
    brier_touch_from_below,
    brier_holds,
    log_close_below,
    log_touch_from_above,
    log_touch_from_below,
    log_holds
from rows_known
