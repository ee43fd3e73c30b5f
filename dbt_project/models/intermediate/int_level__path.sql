-- One row per date and day of the path that the level looks back on: high, low and close as the date sees them, of the
-- spot venues, of a perpetual on days without any, and the close of the day before.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

prices as (
    select * from {{ ref('int_observations__price') }}
    where series_id in ('btc_high_usd', 'btc_low_usd', 'btc_close_usd')
),

providers as (select * from {{ ref('int_series__providers') }}),

seen as (
    select
        dates.signal_date,
        prices.observed_date,
        prices.series_id,
        arg_min(prices.value, providers.priority) as value,
        arg_min(prices.provider, providers.priority) as provider
    from dates
    join prices
        on prices.observed_date between dates.signal_date - {{ var('level_in_play_days') - 1 }} and dates.signal_date
        and {{ stands_on('prices', 'dates.signal_date') }}
    join providers on providers.series_id = prices.series_id and providers.provider = prices.provider
    group by dates.signal_date, prices.observed_date, prices.series_id
),

days as (
    select
        signal_date,
        observed_date,
        max(value) filter (where series_id = 'btc_high_usd') as high_usd,
        max(value) filter (where series_id = 'btc_low_usd') as low_usd,
        max(value) filter (where series_id = 'btc_close_usd') as close_usd,
        max(provider) filter (where series_id = 'btc_close_usd') as provider
    from seen
    group by signal_date, observed_date
),

path as (
    select
        *,
        case
            when observed_date - lag(observed_date) over by_day = 1 then lag(close_usd) over by_day
        end as previous_close_usd
    from days
    window by_day as (partition by signal_date order by observed_date)
)

select * from path
