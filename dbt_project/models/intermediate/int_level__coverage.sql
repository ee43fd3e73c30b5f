-- One row per date: which source a level could be made of, and whether enough history is loaded for it. The cost basis
-- comes first; volume at price where no provider has published one in three days.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

path as (select * from {{ ref('int_level__path') }}),

traded_days as (select distinct observed_date, known_from, known_until from {{ ref('int_level__traded') }}),

bars as (select * from {{ ref('int_price__venue_days') }}),

bands as (select distinct observed_date, provider, priority, known_from from {{ ref('int_cost_basis__bands') }}),

-- The first day of history that a date knows of, by what is made of it.
first_known as (
    select
        known_from,
        min(observed_date) as first_date,
        min(observed_date) filter (where market = 'spot') as first_spot_date
    from bars
    group by known_from
),

firsts as (
    select
        known_from,
        min(first_date) over so_far as first_date,
        min(first_spot_date) over so_far as first_spot_date
    from first_known
    window so_far as (order by known_from rows between unbounded preceding and current row)
),

loaded as (
    select
        dates.signal_date,
        dates.signal_date - firsts.first_date as days_before,
        dates.signal_date - firsts.first_spot_date as spot_days_before
    from dates
    asof left join firsts on dates.signal_date >= firsts.known_from
),

windows as (
    select
        dates.signal_date,
        count(*) / {{ var('level_window_days') }} as window_filled
    from dates
    join traded_days
        on traded_days.observed_date
        between dates.signal_date - {{ var('level_window_days') }} and dates.signal_date - 1
        and {{ stands_on('traded_days', 'dates.signal_date') }}
    group by dates.signal_date
),

-- Of the newest day that is known, the provider that comes first.
newest_bands as (
    select
        dates.signal_date,
        bands.observed_date,
        bands.provider
    from dates
    join bands
        on bands.observed_date between dates.signal_date - 3 and dates.signal_date
        and bands.known_from <= dates.signal_date
    qualify row_number() over (
        partition by dates.signal_date order by bands.observed_date desc, bands.priority
    ) = 1
),

closes as (select signal_date, close_usd from path where observed_date = signal_date),

joined as (
    select
        dates.signal_date,
        case when newest_bands.signal_date is not null then 'cost_basis' else 'volume_at_price' end as cluster_source,
        newest_bands.observed_date as bands_date,
        newest_bands.provider as bands_provider,
        closes.close_usd,
        coalesce(windows.window_filled, 0) as window_filled,
        case
            when newest_bands.signal_date is not null
                then {{ var('level_in_play_days') + var('level_memory_days') - 2 }}
            else {{ var('level_window_days') + var('level_busy_days') + var('level_memory_days') - 1 }}
        end as days_needed,
        least(days_needed, coalesce(case
            when newest_bands.signal_date is not null then loaded.days_before else loaded.spot_days_before
        end, 0)) as days_loaded,
        -- A profile of traded volume, whether or not a better source makes it unnecessary.
        coalesce(loaded.spot_days_before, 0) >= {{ var('level_window_days') + var('level_busy_days') }}
        and coalesce(windows.window_filled, 0) >= {{ var('level_filled_share') }} as has_volume_profile
    from dates
    left join newest_bands on newest_bands.signal_date = dates.signal_date
    left join closes on closes.signal_date = dates.signal_date
    left join windows on windows.signal_date = dates.signal_date
    left join loaded on loaded.signal_date = dates.signal_date
)

select * from joined
