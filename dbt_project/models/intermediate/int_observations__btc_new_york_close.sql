-- One row per day and version: bitcoin at 16:00 New York, the moment of the stock close; the UTC close where no hourly
-- bar exists, said so in the note.
with

hours as (select * from {{ ref('int_price__venue_hours') }}),

days as (select * from {{ ref('int_observations__price') }}),

-- 16:00 New York is 20:00 or 21:00 UTC: the same date.
closing_hours as (
    select * from hours
    where strftime(timezone('America/New_York', timezone('UTC', open_time + interval 1 hour)), '%H') = '16'
),

closes as (
    {{ pooled('closing_hours', 'market, observed_date', [
        'median(pieces.close_usd) as value',
        'count(*) as source_count',
        "string_agg(pieces.venue, ', ' order by pieces.venue) as venues",
    ]) }}
),

new_york as (
    select
        market || ' hours' as provider,
        observed_date,
        value,
        source_count,
        'at 16:00 New York, ' || market || ': ' || venues as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from closes
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
