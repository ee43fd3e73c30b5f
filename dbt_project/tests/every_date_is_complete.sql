-- Each date of the calendar has one regime, seven buckets and nine conditions.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

counts as (
    select
        dates.signal_date,
        (select count(*) from {{ ref('fct_regime_daily') }} as r where r.signal_date = dates.signal_date) as regimes,
        (select count(*) from {{ ref('fct_bucket_daily') }} as b where b.signal_date = dates.signal_date) as buckets,
        (select count(*) from {{ ref('fct_condition_daily') }} as c where c.signal_date = dates.signal_date) as conditions
    from dates
)

select * from counts
where regimes <> 1
    or buckets <> 7
    or conditions <> 9
