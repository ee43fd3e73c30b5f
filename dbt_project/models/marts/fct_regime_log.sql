-- Every regime as it was published, with the rules and the code that made it. Appended to, never rewritten.
{{ config(materialized='view') }}
with

log as (select * from {{ source('raw', 'regime_log') }} where published_at <= {{ as_of() }})

select
    published_at,
    code_version,
    signal_date,
    regime,
    days_in_regime,
    h1,
    h2,
    h3,
    r1,
    r2,
    r3,
    s1,
    s2,
    s3,
    next_condition,
    position,
    evidence_for_level,
    verdict_line,
    buckets_known,
    holds_cluster,
    nothing_worsens,
    fully_confirmed,
    btc_close_usd,
    level_usd,
    cluster_low_usd,
    cluster_high_usd,
    cluster_source,
    rules_version,
    explanation
from log
