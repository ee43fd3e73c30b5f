-- One row per forecast date, horizon, method, price and role: what was said of the price. Never rewritten.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('raw', 'forecast_strike_log') }}
    where issued_at <= {{ as_of() }}
)

select
    forecast_date,
    horizon_days,
    method,
    issued_at,
    origin,
    strike_usd,
    role,
    side,
    prob_close_below,
    prob_touch,
    prob_holds,
    prob_stays_below,
    random_walk_close_below,
    random_walk_touch,
    random_walk_holds,
    random_walk_stays_below,
    climatology_close_below,
    climatology_touch,
    climatology_holds,
    climatology_stays_below,
    options_close_below,
    options_touch,
    options_holds,
    options_stays_below,
    yesterday_close_below,
    yesterday_touch,
    yesterday_holds,
    yesterday_stays_below
from rows_known
