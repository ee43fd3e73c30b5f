-- One row per forecast date, horizon and method: the forecast as it was made. Appended to, never rewritten.
{{ config(materialized='view') }}
with

rows_known as (
    select *
    from {{ source('raw', 'forecast_log') }}
    where issued_at <= {{ as_of() }}
)

select
    forecast_date,
    horizon_days,
    method,
    issued_at,
    origin,
    target_date,
    data_cut_off,
    price_source,
    spot_usd,
    sigma_pct,
    implied_used,
    paths,
    independent_paths,
    pool_until,
    rules_version,
    code_version,
    inputs_sha256,
    p05_usd,
    p25_usd,
    p50_usd,
    p75_usd,
    p95_usd,
    close_moves,
    low_moves,
    high_moves,
    lowest_close_moves,
    highest_close_moves
from rows_known
