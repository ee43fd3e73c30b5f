-- One row per signal date and signal: the reading as known at the cut-off, against its own past. Percentile and z-score
-- compare it with the readings of the 365 days before it, itself excluded, of the same provider; each observation
-- counts once, at its first appearance, and at least 60 are needed.
with

readings as (select * from {{ ref('int_signals__readings') }} where knowledge = 'as_known'),

first_appearances as (
    {{ first_appearances('readings') }}
),

-- Ranks by sorted windows: the count of smaller and of larger readings among the 365 days before, the reading itself
-- inside the window and taken out again below.
ranked as (
    select
        *,
        lag(value) over (partition by signal_id, provider order by appeared_on, observed_date) as previous_value,
        rank(order by value) over year - 1 as smaller,
        rank(order by value desc) over year - 1 as larger,
        count(*) over year as readings_with_itself,
        -- As a list, oldest first: a moving mean's last digits would hang on what else the table holds.
        list(value) over year_before as values_365d,
        list_avg(values_365d) as mean_365d,
        list_stddev_samp(values_365d) as stddev_365d
    from first_appearances
    window
        year as (
            partition by signal_id, provider order by appeared_on
            range between interval '365 days' preceding and current row
        ),
        year_before as (
            partition by signal_id, provider order by appeared_on
            range between interval '365 days' preceding and interval '1 day' preceding
        )
),

-- The same observation may read differently on a later date, where another input of the signal is newer by then. There
-- are few, so they are found first, and only they are ranked anew.
revisions as materialized (
    select
        readings.signal_id,
        readings.provider,
        readings.signal_date,
        readings.value,
        appeared.appeared_on
    from readings
    join first_appearances as appeared
        on appeared.signal_id = readings.signal_id
        and appeared.provider = readings.provider
        and appeared.observed_date = readings.observed_date
    where readings.value <> appeared.value
),

revised as (
    select
        revisions.signal_id,
        revisions.provider,
        revisions.signal_date,
        count(*) filter (where past.value < revisions.value) as smaller,
        count(*) filter (where past.value > revisions.value) as larger
    from revisions
    join first_appearances as past
        on past.signal_id = revisions.signal_id
        and past.provider = revisions.provider
        and past.appeared_on between revisions.appeared_on - 365 and revisions.appeared_on - 1
    group by revisions.signal_id, revisions.provider, revisions.signal_date
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
        readings.value - ranked.previous_value as change_1d,
        readings.value - week_ago.value as change_7d,
        ranked.readings_with_itself - 1 as observations_365d,
        case
            when observations_365d >= 60
                then 50.0 * (
                    observations_365d
                    + coalesce(revised.smaller, ranked.smaller) - coalesce(revised.larger, ranked.larger)
                ) / observations_365d
        end as percentile_365d,
        case when observations_365d >= 60 then ranked.stddev_365d end as stddev_365d,
        case
            when observations_365d >= 60
                then (readings.value - ranked.mean_365d) / nullif(ranked.stddev_365d, 0)
        end as zscore_365d
    from readings
    join ranked on ranked.signal_id = readings.signal_id
        and ranked.provider = readings.provider
        and ranked.observed_date = readings.observed_date
    left join revised on revised.signal_id = readings.signal_id
        and revised.provider = readings.provider
        and revised.signal_date = readings.signal_date
    left join readings as week_ago on week_ago.signal_id = readings.signal_id
        and week_ago.provider = readings.provider
        and week_ago.signal_date = readings.signal_date - 7
)

select * from compared
