-- One row per declared dataset: what it is, on what terms, how far its data reaches and how the last attempt went. What
-- is computed here from the chain is listed once there is any of it. A view: every attempt changes it.
{{ config(materialized='view') }}
with

datasets as (
    select * from {{ source('raw', 'dataset') }}
    union all by name
    select * from {{ source('analytics', 'dataset') }}
    where exists (select 1 from {{ source('staging', 'stg_analytics__chain_day') }})
),

loads as (select * from {{ source('raw', 'load_ledger') }}),

attempts as (select * from {{ source('raw', 'attempt') }}),

quarantine as (select * from {{ source('raw', 'quarantine') }}),

coverage as (
    select
        dataset_id,
        min(first_observed) as first_observed_at,
        max(last_observed) as last_observed_at,
        max(loaded_at) as last_loaded_at,
        cast(sum(rows_new + rows_revised) as bigint) as rows_loaded
    from loads
    where verdict = 'loaded'
    group by dataset_id
    union all
    select
        'chain.cells',
        min(day),
        max(day),
        cast(null as timestamp),
        count(*)
    from {{ source('staging', 'stg_analytics__chain_day') }}
    having count(*) > 0
),

last_attempts as (
    select * from attempts
    qualify row_number() over (partition by dataset_id order by finished_at desc) = 1
),

rejected as (
    select
        dataset_id,
        count(*) as rows_quarantined
    from quarantine
    group by dataset_id
),

gaps as (
    select
        dataset_id,
        cast(sum(periods) as bigint) as periods_missing,
        cast(sum(periods) filter (where state = 'open') as bigint) as periods_missing_open,
        min(missing_from) as missing_from,
        max(missing_until) as missing_until
    from {{ source('raw', 'coverage') }}
    group by dataset_id
),

joined as (
    select
        datasets.*,
        coverage.first_observed_at,
        coverage.last_observed_at,
        coverage.last_loaded_at,
        coalesce(coverage.rows_loaded, 0) as rows_loaded,
        coalesce(rejected.rows_quarantined, 0) as rows_quarantined,
        coalesce(gaps.periods_missing, 0) as periods_missing,
        coalesce(gaps.periods_missing_open, 0) as periods_missing_open,
        gaps.missing_from,
        gaps.missing_until,
        last_attempts.finished_at as last_attempt_at,
        last_attempts.outcome as last_outcome,
        last_attempts.message as last_message
    from datasets
    left join coverage on coverage.dataset_id = datasets.dataset_id
    left join last_attempts on last_attempts.dataset_id = datasets.dataset_id
    left join gaps on gaps.dataset_id = datasets.dataset_id
    left join rejected on rejected.dataset_id = datasets.dataset_id
)

select
    dataset_id,
    provider,
    name,
    bucket,
    description,
    licence,
    may_republish,
    needs_key,
    access,
    cadence,
    calendar,
    period_s,
    publication_lag_s,
    fresh_for_s,
    final_after_s,
    restates,
    first_observed_at,
    last_observed_at,
    last_loaded_at,
    rows_loaded,
    rows_quarantined,
    periods_missing,
    periods_missing_open,
    missing_from,
    missing_until,
    last_attempt_at,
    last_outcome,
    last_message
from joined
