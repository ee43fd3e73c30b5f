-- Buckets that are unknown on the newest date, and what each waits for. A warning: a source that is down or needs a key
-- is no fault of the models, and the board says so.
{{ config(severity='warn') }}
with

buckets as (select * from {{ ref('fct_bucket_daily') }}),

unknown as (
    select
        signal_date,
        bucket,
        waiting_for
    from buckets
    where signal_date = (select max(signal_date) from buckets)
        and state = 'unknown'
)

select * from unknown
