-- board(date): the board of a date, the newest without one: one row a bucket with its state, the reading that decides it
-- as known at the date's cut-off (01:00 UTC of the next day), what it would take to flip, and the regime of the date.
create macro board(day := null) as table
with asked as (
    select coalesce(cast(day as date), (select max(signal_date) from marts.fct_regime_daily)) as signal_date
)
select
    regimes.signal_date,
    regimes.regime,
    buckets.bucket,
    buckets.state,
    buckets.days_in_state,
    buckets.primary_signal_id as signal_id,
    definitions.name_en as reading_of,
    readings.value_as_known as reading,
    definitions.unit,
    readings.observed_date,
    readings.age_days,
    readings.change_7d,
    readings.percentile_365d,
    buckets.confirms_met || ' of ' || buckets.confirms_total as confirms,
    buckets.continues_met || ' of ' || buckets.continues_total as continues,
    buckets.flip_signal_id,
    buckets.flip_distance,
    buckets.evidence,
    buckets.waiting_for
from asked
join marts.fct_regime_daily as regimes on regimes.signal_date = asked.signal_date
join marts.fct_bucket_daily as buckets on buckets.signal_date = asked.signal_date
left join marts.dim_signal as definitions on definitions.signal_id = buckets.primary_signal_id
left join marts.fct_signal_daily as readings
    on readings.signal_id = buckets.primary_signal_id and readings.signal_date = asked.signal_date
left join marts.dim_bucket as places on places.bucket = buckets.bucket
order by places.position;
