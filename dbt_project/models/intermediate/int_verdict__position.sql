-- One row per date and cluster (the one in use, and the one before it): where the closes lie against it. The side is
-- the edge beyond which the last closes in a row lay; `side_since` is the day that made it so, that is, when as many
-- closes in a row first lay beyond that edge after the last that did beyond the other; null where none did.
with

readings as (select * from {{ ref('int_regime__readings') }}),

levels as (select * from {{ ref('int_level__in_use') }}),

path as (select * from {{ ref('int_level__path') }}),

thresholds as (select * from {{ ref('int_verdict__thresholds') }}),

clusters as (
    select
        signal_date,
        false as is_before,
        level_usd,
        cluster_low_usd
    from levels
    where level_usd is not null
    union all
    select
        signal_date,
        true as is_before,
        level_before_usd,
        level_before_low_usd
    from levels
    where level_usd is not null and level_before_usd is not null
),

-- Today's close as the regime sees it, and the ones before as today's path has them.
closes as (
    select
        readings.signal_date,
        readings.signal_date as observed_date,
        readings.btc_close_usd as close_usd
    from readings
    where readings.btc_close_usd is not null and readings.btc_close_date = readings.signal_date
    union all
    select
        signal_date,
        observed_date,
        close_usd
    from path
    where observed_date < signal_date and close_usd is not null
),

placed as (
    select
        clusters.signal_date,
        clusters.is_before,
        clusters.level_usd,
        clusters.cluster_low_usd,
        closes.observed_date,
        closes.close_usd,
        thresholds.side_closes,
        thresholds.recent_closes,
        {{ place_against('closes.close_usd', 'clusters.cluster_low_usd', 'clusters.level_usd') }} as place,
        coalesce(
            place <> lag(place) over by_day or closes.observed_date - lag(closes.observed_date) over by_day > 1, true
        ) as is_new_run
    from clusters
    join thresholds on thresholds.signal_date = clusters.signal_date
    join closes
        on closes.signal_date = clusters.signal_date
        and closes.observed_date > clusters.signal_date - thresholds.side_days
    window by_day as (partition by clusters.signal_date, clusters.is_before order by closes.observed_date)
),

runs as (
    select
        *,
        observed_date - max(case when is_new_run then observed_date end) over so_far + 1 as closes_in_a_row
    from placed
    window so_far as (
        partition by signal_date, is_before order by observed_date rows between unbounded preceding and current row
    )
),

sides as (
    select
        *,
        max(observed_date) filter (where place = 'above' and closes_in_a_row >= side_closes) over whole as above_until,
        max(observed_date) filter (where place = 'below' and closes_in_a_row >= side_closes) over whole as below_until
    from runs
    window whole as (partition by signal_date, is_before)
),

summed as (
    select
        signal_date,
        is_before,
        any_value(level_usd) as level_usd,
        any_value(cluster_low_usd) as cluster_low_usd,
        max(close_usd) filter (where observed_date = signal_date) as close_usd,
        max(place) filter (where observed_date = signal_date) as place,
        max(closes_in_a_row) filter (where observed_date = signal_date) as closes_in_a_row,
        case
            when any_value(above_until) > coalesce(any_value(below_until), date '0001-01-01') then 'above'
            when any_value(below_until) is not null then 'below'
        end as side,
        min(observed_date) filter (
            where closes_in_a_row >= side_closes
                and observed_date > least(above_until, below_until)
                and above_until is not null
                and below_until is not null
        ) as side_since,
        coalesce(bool_or(place = 'below') filter (
            where observed_date < signal_date and observed_date >= signal_date - recent_closes
        ), false) as was_below_lately,
        max(observed_date) filter (where place = 'above' and observed_date < signal_date) as last_above_date,
        max(observed_date) filter (where place = 'below' and observed_date < signal_date) as last_below_date
    from sides
    group by signal_date, is_before
),

judged as (
    select
        *,
        case place
            when 'above'
                then case when side = 'below' or was_below_lately then 'reclaimed' else 'above' end
            when 'inside' then case when side = 'below' then 'contested' else 'tested' end
            when 'below' then case when side = 'below' then 'lost' else 'broken' end
        end as position
    from summed
    where close_usd is not null
)

select * from judged
