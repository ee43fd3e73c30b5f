-- signal(id): every date of one signal, oldest first: settled value, and what could be said at the date's cut-off with its
-- age, change, percentile and z-score. dim_signal lists the ids.
create macro signal(id) as table
select
    readings.signal_date,
    readings.signal_id,
    definitions.name_en as reading_of,
    readings.unit,
    readings.value,
    readings.is_final,
    readings.known_at,
    readings.value_as_known,
    readings.observed_date,
    readings.age_days,
    readings.is_fresh,
    readings.change_1d,
    readings.change_7d,
    readings.percentile_365d,
    readings.zscore_365d,
    readings.provider,
    readings.method_note
from marts.fct_signal_daily as readings
join marts.dim_signal as definitions on definitions.signal_id = readings.signal_id
where readings.signal_id = id
order by readings.signal_date;
