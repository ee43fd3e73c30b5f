-- One row per signal date and signal: the reading as known at the cut-off, against its own past. Percentile and z-score
-- compare it with the readings of the 365 days before it, itself excluded, of the same provider; each observation counts
-- once, at its first appearance, and at least 60 are needed.
with

readings as (select * from {{ ref('int_signals__readings') }} where knowledge = 'as_known'),

first_appearances as (
    select
        signal_id,
        provider,
        observed_date,
        min(signal_date) as appeared_on,
        arg_min(value, signal_date) as value
    from readings
    group by signal_id, provider, observed_date
),

histories as (
    select
        *,
        lag(value) over by_appearance as previous_value,
        list(value) over (
            partition by signal_id, provider order by appeared_on
            range between interval 365 days preceding and interval 1 day preceding
        ) as values_365d
    from first_appearances
    window by_appearance as (partition by signal_id, provider order by appeared_on, observed_date)
),

compared as (
    select
        readings.signal_date,
        readings.signal_id,
        readings.value,
        readings.observed_date,
        readings.age_days,
        readings.is_fresh,
        readings.provider,
        readings.source_count,
        readings.method_note,
        readings.known_at,
        readings.known_at_basis,
        readings.is_final,
        readings.publishable,
        readings.value - histories.previous_value as change_1d,
        readings.value - week_ago.value as change_7d,
        coalesce(len(histories.values_365d), 0) as observations_365d,
        case
            when observations_365d >= 60 then 100.0 * (
                len(list_filter(histories.values_365d, lambda past: past < readings.value))
                + 0.5 * len(list_filter(histories.values_365d, lambda past: past = readings.value))
            ) / observations_365d
        end as percentile_365d,
        case when observations_365d >= 60 then list_aggregate(histories.values_365d, 'stddev_samp') end as stddev_365d,
        (readings.value - list_aggregate(histories.values_365d, 'avg')) / nullif(stddev_365d, 0) as zscore_365d
    from readings
    join histories on histories.signal_id = readings.signal_id
        and histories.provider = readings.provider
        and histories.observed_date = readings.observed_date
    left join readings as week_ago on week_ago.signal_id = readings.signal_id
        and week_ago.provider = readings.provider
        and week_ago.signal_date = readings.signal_date - 7
)

select * from compared
