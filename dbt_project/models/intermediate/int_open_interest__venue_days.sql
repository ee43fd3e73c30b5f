-- One row per venue, UTC day and version: the day's last reading. Dollars are the venue's own where it states them,
-- else bitcoin at the price of the reading's own hour. A new version begins when the reading or that price is revised.
with

stamps as (select * from {{ ref('int_open_interest__venue_stamps') }}),

hourly_bars as (
    select
        *,
        open_time + interval 1 hour as closed_at
    from {{ ref('int_price__venue_hours') }}
),

daily_bars as (select * from {{ ref('int_price__venue_days') }}),

hours as ({{ pooled('hourly_bars', 'closed_at', ['median(pieces.close_usd) as close_usd']) }}),

days as ({{ pooled('daily_bars', 'observed_date', ['median(pieces.close_usd) as close_usd']) }}),

moments as (
    select
        venue,
        observed_date,
        known_from as moment
    from stamps
    union
    select
        stamps.venue,
        stamps.observed_date,
        hours.known_from
    from stamps
    join hours on hours.closed_at = date_trunc('hour', stamps.observed_at)
    union
    select
        stamps.venue,
        stamps.observed_date,
        days.known_from
    from stamps
    join days on days.observed_date = stamps.observed_date
),

last_of_day as (
    select
        stamps.*,
        moments.moment
    from moments
    join stamps on stamps.venue = moments.venue
        and stamps.observed_date = moments.observed_date
        and {{ stands_on('stamps', 'moments.moment') }}
    qualify row_number() over (
        partition by stamps.venue, stamps.observed_date, moments.moment order by stamps.observed_at desc
    ) = 1
),

priced as (
    select
        last_of_day.venue,
        last_of_day.observed_date,
        last_of_day.observed_at,
        last_of_day.open_interest_btc,
        coalesce(
            last_of_day.open_interest_usd,
            last_of_day.open_interest_btc * coalesce(hours.close_usd, days.close_usd)
        ) as open_interest_usd,
        last_of_day.known_at,
        last_of_day.known_at_basis,
        last_of_day.moment as known_from,
        lead(last_of_day.moment) over (
            partition by last_of_day.venue, last_of_day.observed_date order by last_of_day.moment
        ) as known_until
    from last_of_day
    left join hours on hours.closed_at = date_trunc('hour', last_of_day.observed_at)
        and {{ stands_on('hours', 'last_of_day.moment') }}
    left join days on days.observed_date = last_of_day.observed_date
        and {{ stands_on('days', 'last_of_day.moment') }}
)

select * from priced
