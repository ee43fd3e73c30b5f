-- One row per venue, UTC day and version: the day's last reading. Dollars are the venue's own where it states them,
-- else bitcoin at the price of the reading's own hour.
with

stamps as (
    select * from {{ ref('stg_binance__open_interest') }}
    union all
    select * from {{ ref('stg_bybit__open_interest') }}
    union all
    select * from {{ ref('stg_okx__open_interest') }}
),

hours as (
    select
        opened_at + interval 1 hour as closed_at,
        median(close_usd) as close_usd
    from {{ ref('int_price__venue_hours') }}
    group by opened_at
),

days as (
    select
        observed_date,
        median(close_usd) as close_usd
    from {{ ref('int_price__venue_days') }}
    where known_until is null
    group by observed_date
),

priced as (
    select
        stamps.venue,
        stamps.symbol,
        stamps.observed_date,
        stamps.observed_at,
        stamps.open_interest_btc,
        coalesce(
            stamps.open_interest_usd,
            stamps.open_interest_btc * coalesce(hours.close_usd, days.close_usd)
        ) as open_interest_usd,
        stamps.known_at,
        stamps.known_at_basis,
        stamps.known_from,
        stamps.known_until
    from stamps
    left join hours on hours.closed_at = date_trunc('hour', stamps.observed_at)
    left join days on days.observed_date = stamps.observed_date
),

last_of_day as (
    select * from priced
    qualify rank() over (partition by venue, symbol, observed_date order by observed_at desc) = 1
)

select * from last_of_day
