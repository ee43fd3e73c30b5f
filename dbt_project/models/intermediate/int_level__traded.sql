-- One row per UTC day, version and price bin: where bitcoin traded on spot venues, weighted by how busy the day was. A
-- day is spread evenly in log price from its low to its high. Volumes of venues do not add up, and one venue's fee
-- campaign is not the market's: each is compared with its own month. In whole units of 1e-12, for a sum of integers is
-- the same in any order.
with

bars as (
    select
        venue,
        observed_date,
        low_usd,
        high_usd,
        volume_btc,
        known_from,
        known_until
    from {{ ref('int_price__venue_days') }}
    where market = 'spot'
        and low_usd > 0
        and list_contains({{ var('level_venues') }}, venue)
),

days as (
    select
        observed_date,
        min(known_from) as first_known_from
    from bars
    group by observed_date
),

-- A day's version begins with any bar that it is made of: its own, or one of the month before.
moments as (
    select distinct
        days.observed_date,
        greatest(bars.known_from, days.first_known_from) as moment
    from days
    join bars on bars.observed_date between days.observed_date - {{ var('level_busy_days') }} and days.observed_date
),

busy_venues as (
    select
        moments.observed_date,
        moments.moment,
        bars.venue,
        bars.low_usd,
        bars.high_usd,
        case
            when bars.volume_btc is null or count(month.volume_btc) < {{ var('level_busy_days_needed') }} then 1
            else coalesce(least({{ var('level_busy_clip') }}, greatest(
                1 / {{ var('level_busy_clip') }}, bars.volume_btc / nullif(median(month.volume_btc), 0)
            )), 1)
        end as busy
    from moments
    join bars on bars.observed_date = moments.observed_date and {{ stands_on('bars', 'moments.moment') }}
    left join bars as month
        on month.venue = bars.venue
        and month.observed_date between bars.observed_date - {{ var('level_busy_days') }} and bars.observed_date - 1
        and {{ stands_on('month', 'moments.moment') }}
    group by
        moments.observed_date, moments.moment, bars.venue, bars.low_usd, bars.high_usd, bars.volume_btc
),

busy_days as (
    select
        observed_date,
        moment,
        median(busy) as busy,
        count(*) as venues,
        lead(moment) over (partition by observed_date order by moment) as next_moment
    from busy_venues
    group by observed_date, moment
),

spread_bars as (
    select
        observed_date,
        moment,
        venue,
        ln(low_usd) / {{ var('level_bin') }} as low_bin,
        ln(high_usd) / {{ var('level_bin') }} as high_bin,
        unnest(generate_series(cast(floor(low_bin) as integer), cast(floor(high_bin) as integer))) as bin
    from busy_venues
),

traded as (
    select
        spread_bars.observed_date,
        spread_bars.bin,
        cast(1e12 * any_value(busy_days.busy) / any_value(busy_days.venues) * sum(coalesce(
            (least(high_bin, bin + 1) - greatest(low_bin, bin)) / nullif(high_bin - low_bin, 0), 1
        ) order by venue) as bigint) as mass,
        spread_bars.moment as known_from,
        any_value(busy_days.next_moment) as known_until
    from spread_bars
    join busy_days
        on busy_days.observed_date = spread_bars.observed_date
        and busy_days.moment = spread_bars.moment
    group by spread_bars.observed_date, spread_bars.moment, spread_bars.bin
)

select * from traded
