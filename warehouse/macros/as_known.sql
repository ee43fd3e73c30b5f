-- as_known(date, instant): each signal's reading of a date as it stood at the last cut-off at or before an instant (UTC).
-- Dates are read at their cut-offs, 01:00 UTC of the next day, and this looks through the eyes of those readers: before
-- the date's own cut-off it gives the readings in force then, of an earlier date; later on also figures of the date that
-- came late. `read_at` is the cut-off; nothing that became known after it is in the row.
create macro as_known(day, instant) as table
with asked as (
    select
        cast(day as date) as signal_date,
        cast(cast(instant as timestamp) - interval 25 hours as date) as last_reader
),
seen as (
    select readings.*, asked.signal_date as asked_date
    from asked
    join marts.fct_signal_daily as readings
        on readings.signal_date between least(asked.signal_date, asked.last_reader) and asked.last_reader
        and readings.observed_date <= asked.signal_date
        and readings.value_as_known is not null
)
select
    asked_date as signal_date,
    signal_id,
    bucket,
    unit,
    value_as_known as value,
    observed_date,
    asked_date - observed_date as age_days,
    signal_date + interval 25 hours as read_at,
    provider
from seen
qualify row_number() over (partition by signal_id order by observed_date desc, signal_date) = 1
order by bucket, signal_id;
