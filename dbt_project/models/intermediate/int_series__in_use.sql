-- One row per reader, signal date and series: the provider in use and the day of its newest reading. The first provider
-- in the order of the seed `series` that is fresh wins; with none fresh, the first that has anything. So a window never
-- mixes providers.
with

readers as (select * from {{ ref('int_calendar__readers') }}),

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

observations as (select * from {{ ref('int_observations__unioned') }}),

providers as (select * from {{ ref('int_series__providers') }}),

-- The newest day that a provider had published by a date's cut-off.
first_known as (
    select
        series_id,
        provider,
        known_from,
        max(observed_date) as observed_date
    from observations
    group by series_id, provider, known_from
),

newest_known as (
    select
        series_id,
        provider,
        known_from,
        max(observed_date) over (
            partition by series_id, provider order by known_from
            rows between unbounded preceding and current row
        ) as observed_date
    from first_known
),

as_known as (
    select
        'as_known' as knowledge,
        dates.signal_date,
        dates.us_trading_day_number,
        newest_known.series_id,
        newest_known.provider,
        newest_known.observed_date
    from dates
    cross join (select distinct series_id, provider from newest_known) as series
    asof join newest_known
        on newest_known.series_id = series.series_id
        and newest_known.provider = series.provider
        and dates.signal_date >= newest_known.known_from
),

settled as (
    select distinct
        'settled' as knowledge,
        dates.signal_date,
        dates.us_trading_day_number,
        observations.series_id,
        observations.provider,
        observations.observed_date
    from dates
    join observations on observations.observed_date = dates.signal_date
    where observations.known_until is null
),

candidates as (
    select * from as_known
    union all
    select * from settled
),

aged as (
    select
        candidates.knowledge,
        candidates.signal_date,
        candidates.series_id,
        candidates.provider,
        candidates.observed_date,
        providers.priority,
        candidates.signal_date - candidates.observed_date as age_days,
        case
            when providers.is_trading_day_data
                then candidates.us_trading_day_number - coalesce(observed.us_trading_day_number, 0) <= 1
            else candidates.signal_date - candidates.observed_date <= providers.fresh_for_days
        end as is_fresh
    from candidates
    join providers on providers.series_id = candidates.series_id and providers.provider = candidates.provider
    left join dates as observed on observed.signal_date = candidates.observed_date
),

in_use as (
    select * exclude (priority)
    from aged
    qualify row_number() over (
        partition by knowledge, signal_date, series_id order by is_fresh desc, priority, provider
    ) = 1
)

select * from in_use
