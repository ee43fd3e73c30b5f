-- One row per hourly-funding series and day: how long pooled funding has stayed positive, and how often its sign
-- changed. A rate holds over the interval that ends at its stamp; hours after a venue's last stamp carry it for a day
-- at most. Every hour is read as it was known at its own day's cut-off, so a day's figure never changes afterwards.
with

settlements as (select * from {{ ref('int_funding__settlements') }}),

weights as (select * from {{ ref('int_open_interest__venue_days') }}),

stamped_hours as (
    select
        venue,
        unnest(generate_series(
            funding_time - to_hours(cast(interval_hours as integer)),
            funding_time - interval 1 hour,
            interval 1 hour
        )) as hour_at,
        funding_rate / nullif(interval_hours, 0) as rate_per_hour,
        known_at,
        known_at_basis
    from settlements
),

known_hours as (
    select * from stamped_hours
    where {{ first_date_that_knows('known_at') }} <= cast(hour_at as date)
    qualify row_number() over (partition by venue, hour_at order by known_at desc) = 1
),

spine as (
    select
        venue,
        unnest(generate_series(min(hour_at), date_trunc('day', max(hour_at)) + interval 23 hours, interval 1 hour))
            as hour_at
    from known_hours
    group by venue
),

carried as (
    select
        spine.venue,
        spine.hour_at,
        cast(spine.hour_at as date) as observed_date,
        last_value(known_hours.rate_per_hour ignore nulls) over previous_day as rate_per_hour,
        last_value(known_hours.known_at ignore nulls) over previous_day as known_at,
        last_value(known_hours.known_at_basis ignore nulls) over previous_day as known_at_basis
    from spine
    left join known_hours on known_hours.venue = spine.venue and known_hours.hour_at = spine.hour_at
    window previous_day as (
        partition by spine.venue order by spine.hour_at range between interval '24 hours' preceding and current row
    )
),

weighted as (
    select
        carried.*,
        weights.open_interest_usd,
        count(weights.open_interest_usd) over (partition by carried.hour_at) >= 2 as is_weighted
    from carried
    left join weights on weights.venue = carried.venue
        and weights.observed_date = carried.observed_date
        and {{ stands_on('weights', 'carried.observed_date') }}
    where carried.rate_per_hour is not null
),

pooled_hours as (
    select
        hour_at,
        observed_date,
        case
            when any_value(is_weighted)
                then sum(rate_per_hour * open_interest_usd order by venue)
                    / nullif(sum(open_interest_usd order by venue), 0)
            else avg(rate_per_hour order by venue)
        end as rate_per_hour,
        count(*) as source_count,
        max(known_at) as known_at,
        {{ weakest_basis('known_at_basis') }} as known_at_basis
    from weighted
    group by hour_at, observed_date
),

-- Hours without a rate of any venue are a hole, which ends what is counted.
stretched as (
    select
        *,
        count(*) filter (where is_after_hole) over so_far as stretch,
        max(case when is_after_hole then cast(hour_at - interval 1 hour as date) end) over so_far as hole_date
    from (
        select
            *,
            coalesce(hour_at - lag(hour_at) over (order by hour_at) > interval 1 hour, false) as is_after_hole
        from pooled_hours
    )
    window so_far as (order by hour_at rows between unbounded preceding and current row)
),

counted as (
    select
        *,
        date_diff('hour', max(case when rate_per_hour <= 0 then hour_at end) over before, hour_at) as hours_positive,
        date_diff('hour', min(hour_at) over before, hour_at) + 1 as hours_since_start,
        -- A rate of exactly zero has no sign of its own.
        sign(rate_per_hour)
        <> lag(nullif(sign(rate_per_hour), 0) ignore nulls) over (partition by stretch order by hour_at)
        and rate_per_hour <> 0 as is_flip
    from stretched
    window before as (partition by stretch order by hour_at rows between unbounded preceding and current row)
),

summed as (
    select
        *,
        count(*) filter (where is_flip) over week as sign_flips_7d,
        count(*) over week as hours_7d
    from counted
    window week as (order by hour_at range between interval '167 hours' preceding and current row)
),

day_ends as (
    select
        observed_date,
        cast(case when rate_per_hour > 0 then coalesce(hours_positive, hours_since_start) else 0 end as double)
            as funding_positive_streak_h,
        -- A week with holes would count too few flips.
        cast(case when hours_7d = 168 then sign_flips_7d end as double) as funding_sign_flips_7d,
        case
            when rate_per_hour > 0 and hours_positive is null and hole_date is not null
                then ', since the hole of ' || hole_date
            else ''
        end as hole_note,
        source_count,
        known_at,
        known_at_basis
    from summed
    where hour(hour_at) = 23
),

series as (
    select
        series_id,
        'own venues' as provider,
        observed_date,
        value,
        source_count,
        'hourly, weighted as the daily rate' || case series_id
            when 'funding_positive_streak_h' then hole_note
            else ''
        end as method_note,
        known_at,
        known_at_basis,
        observed_date as known_from,
        cast(null as date) as known_until
    from day_ends
    unpivot (value for series_id in (funding_positive_streak_h, funding_sign_flips_7d))
)

select * from series
