-- One row per date and signal that a bucket's rules read: the reading as known, and, where a rule asks for its
-- percentile, the readings of its year in rising order, so that a moved reading can be ranked among them.
with

rules as (select * from {{ ref('rules') }} where scope = 'bucket'),

signals as (select * from {{ ref('signals') }}),

readings as (select * from {{ ref('int_signals__as_known') }}),

appearances as (
    {{ first_appearances('readings') }}
),

years as (
    select
        readings.signal_date,
        readings.signal_id,
        list(past.value order by past.value) as values_365d
    from readings
    join appearances as own
        on own.signal_id = readings.signal_id
        and own.provider = readings.provider
        and own.observed_date = readings.observed_date
    join appearances as past
        on past.signal_id = readings.signal_id
        and past.provider = readings.provider
        and past.appeared_on between own.appeared_on - 365 and own.appeared_on - 1
    where readings.signal_id in (select signal_id from rules where measure = 'percentile_365d')
        and readings.percentile_365d is not null
    group by readings.signal_date, readings.signal_id
),

described as (
    select
        readings.signal_date,
        readings.signal_id,
        signals.unit,
        signals.decimals,
        readings.value,
        readings.stddev_365d,
        years.values_365d
    from readings
    join signals on signals.signal_id = readings.signal_id
    left join years on years.signal_date = readings.signal_date and years.signal_id = readings.signal_id
    where readings.signal_id in (select signal_id from rules)
        and readings.is_fresh
)

select * from described
