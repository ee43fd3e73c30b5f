-- One row per UTC day that had ended when the newest answer came in, from the first price on. No row is made for a day
-- that has not ended.
with

bars as (select * from {{ ref('int_price__venue_days') }}),

horizon as (select * from {{ ref('int_calendar__horizon') }}),

trading_days as (select * from {{ source('raw', 'calendar_day') }}),

days as (
    select cast(unnest(generate_series(
        (select min(observed_date) from bars),
        (select last_closed_date from horizon),
        interval 1 day
    )) as date) as signal_date
),

numbered as (
    select
        days.signal_date,
        coalesce(trading_days.is_us_trading_day, false) as is_us_trading_day,
        count(*) filter (where trading_days.is_us_trading_day) over (order by days.signal_date) as us_trading_day_number
    from days
    left join trading_days on trading_days.day = days.signal_date
)

select * from numbered
