-- One row per date, bucket and single change that could flip it: one reading moved to either side of a threshold that
-- one of the bucket's rules holds it against, and 0 to n further readings like today's. With no reading moved, time
-- alone: `signal_id` is then the reading that its rule has met the fewest times of those it asks for.
with

judged as (select * from {{ ref('int_buckets__rules') }}),

readings as (select * from {{ ref('int_flips__readings') }}),

levers as (
    select
        judged.signal_date,
        judged.target_id as bucket,
        judged.rule_id,
        judged.signal_id,
        judged.measure,
        judged.value as measured,
        unnest([judged.enter_threshold, coalesce(judged.exit_threshold, judged.enter_threshold)]) as threshold,
        readings.value,
        readings.unit,
        readings.decimals,
        readings.stddev_365d,
        readings.values_365d,
        threshold * len(readings.values_365d) / 100 as place
    from judged
    join readings on readings.signal_date = judged.signal_date and readings.signal_id = judged.signal_id
    where judged.holds is not null
),

-- How far the reading is from where the rule turns. A percentile turns at a reading of its year, or just beside it.
distances as (
    select
        * exclude (values_365d, place),
        unnest(
            case
                when measure <> 'percentile_365d'
                    then [(threshold - measured) * case measure when 'zscore_365d' then stddev_365d else 1 end]
                else [
                    values_365d[greatest(cast(floor(place) as integer), 1)] - value,
                    values_365d[least(cast(floor(place) as integer) + 1, len(values_365d))] - value,
                    values_365d[least(cast(ceil(place) as integer) + 1, len(values_365d))] - value
                ]
            end
        ) as exact
    from levers
),

-- In steps that a reader sees, away from the reading: to the threshold, and one step beyond.
stepped as (
    select
        *,
        {{ shown_step('exact', 'unit', 'decimals') }} as step,
        case when exact < 0 then -1 else 1 end * ceil(round(abs(exact) / step, 6)) as steps,
        unnest([steps - 1, steps, steps + 1]) * step as distance
    from distances
    where isfinite(exact)
),

most_readings as (
    select
        signal_date,
        target_id as bucket,
        max(readings) as readings
    from judged
    group by signal_date, target_id
),

moved as (
    select distinct
        signal_date,
        bucket,
        signal_id,
        distance,
        abs(distance) / nullif(stddev_365d, 0) as deviations
    from stepped
    where distance <> 0
),

waiting as (
    select
        signal_date,
        target_id as bucket,
        last(signal_id order by readings - readings_met, signal_id) as signal_id,
        0.0 as distance,
        0.0 as deviations
    from judged
    where holds is false and readings_met > 0
    group by signal_date, target_id
),

changes as (
    select * from moved
    union all
    select * from waiting
),

repeated as (
    select
        changes.*,
        unnest(range(most_readings.readings)) as repeats
    from changes
    join most_readings on most_readings.signal_date = changes.signal_date and most_readings.bucket = changes.bucket
),

cases as (
    select
        *,
        row_number() over (
            partition by signal_date, bucket order by deviations nulls last, repeats, signal_id, abs(distance), distance
        ) as case_id
    from repeated
    where distance <> 0 or repeats > 0
)

select * from cases
