-- Each date of the calendar has one regime, seven buckets and nine conditions.
{{ config(meta={"dagster": {"ref": {"name": "fct_regime_daily"}}}) }}
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

regimes as (select signal_date from {{ ref('fct_regime_daily') }}),

buckets as (select signal_date from {{ ref('fct_bucket_daily') }}),

conditions as (select signal_date from {{ ref('fct_condition_daily') }}),

counts as (
    select
        dates.signal_date,
        (select count(*) from regimes where regimes.signal_date = dates.signal_date) as regimes,
        (select count(*) from buckets where buckets.signal_date = dates.signal_date) as buckets,
        (select count(*) from conditions where conditions.signal_date = dates.signal_date) as conditions
    from dates
)

select * from counts
where regimes <> 1
    or buckets <> 7
    or conditions <> 9
