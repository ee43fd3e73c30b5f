-- One row per day and version: bitcoin at 16:00 New York, the moment of the stock close; the UTC close where no hourly
-- bar exists, said so in the note.
with

hours as (select * from {{ ref('int_price__venue_hours') }}),

days as (select * from {{ ref('int_observations__price') }}),

new_york as (
    select
        hours.market || ' hours' as provider,
        cast(timezone('America/New_York', timezone('UTC', hours.opened_at + interval 1 hour)) as date) as observed_date,
        median(hours.close_usd) as value,
        count(*) as source_count,
        'at 16:00 New York, ' || hours.market || ': ' || string_agg(hours.venue, ', ' order by hours.venue)
            as method_note,
        max(hours.known_at) as known_at,
        max(hours.known_at_basis) as known_at_basis,
        max(hours.known_from) as known_from,
        cast(null as date) as known_until
    from hours
    where strftime(timezone('America/New_York', timezone('UTC', hours.opened_at + interval 1 hour)), '%H') = '16'
    group by hours.market, hours.opened_at
),

utc as (
    select
        'UTC close' as provider,
        observed_date,
        value,
        source_count,
        'UTC close, no hourly bar' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from days
    where series_id = 'btc_close_usd'
        and provider = 'spot venues'
),

unioned as (
    select * from new_york
    union all
    select * from utc
),

series as (
    select
        'btc_close_new_york_usd' as series_id,
        *
    from unioned
)

select * from series
