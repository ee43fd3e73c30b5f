-- One row per date, source and price bin: how densely coins lie at that price. Two sources of an absorption cluster:
-- the cost basis of unspent coins, and the volume traded at each price in the 730 days before. Both only between 0.75
-- and 1.10 times the median close of the 30 days before, so that a cluster never follows today's price.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

bars as (select * from {{ ref('int_price__venue_days') }}),

bands as (select * from {{ ref('int_cost_basis__bands') }}),

closes as (
    select
        in_use.signal_date,
        median(observations.value) as median_close_usd
    from {{ ref('int_series__in_use') }} as in_use
    join {{ ref('int_observations__unioned') }} as observations
        on observations.series_id = in_use.series_id
        and observations.provider = in_use.provider
        and observations.observed_date between in_use.signal_date - 30 and in_use.signal_date - 1
        and {{ sees('in_use', 'observations') }}
    where in_use.series_id = 'btc_close_usd'
        and in_use.knowledge = 'as_known'
    group by in_use.signal_date
),

-- One per-cent bins, close enough for a band of a few per cent. A bar's volume is spread evenly, in logarithms, from
-- its low to its high: put all at one price, the densest bin would hang on where a single wild day happened to close.
spread_bars as (
    select
        observed_date,
        known_from,
        known_until,
        ln(low_usd) / ln(1.01) as low_bin,
        ln(high_usd) / ln(1.01) as high_bin,
        unnest(generate_series(cast(floor(low_bin) as bigint), cast(floor(high_bin) as bigint))) as bin,
        volume_btc
    from bars
    where market = 'spot'
),

-- Whole satoshis: a sum of integers is the same in any order, and these are too many to be put in one.
daily_volumes as (
    select
        observed_date,
        known_from,
        known_until,
        bin,
        sum(cast(1e8 * volume_btc * coalesce(
            (least(high_bin, bin + 1) - greatest(low_bin, bin)) / nullif(high_bin - low_bin, 0), 1
        ) as bigint)) as volume_sat
    from spread_bars
    group by observed_date, known_from, known_until, bin
),

volume_profile as (
    select
        dates.signal_date,
        'volume_at_price' as cluster_source,
        pow(1.01, daily_volumes.bin) as price_low_usd,
        pow(1.01, daily_volumes.bin + 1) as price_high_usd,
        sum(daily_volumes.volume_sat) / 1e8 as density
    from dates
    join closes on closes.signal_date = dates.signal_date
    join daily_volumes
        on daily_volumes.observed_date between dates.signal_date - 730 and dates.signal_date - 1
        and {{ stands_on('daily_volumes', 'dates.signal_date') }}
    where pow(1.01, daily_volumes.bin) between 0.75 * closes.median_close_usd and 1.10 * closes.median_close_usd
    group by dates.signal_date, daily_volumes.bin
),

-- Of the newest day that is known, the provider that comes first.
newest_bands as (
    select
        dates.signal_date,
        published.observed_date,
        published.provider
    from dates
    join (select distinct observed_date, provider, priority, known_from from bands) as published
        on published.observed_date between dates.signal_date - 3 and dates.signal_date
        and published.known_from <= dates.signal_date
    qualify row_number() over (
        partition by dates.signal_date order by published.observed_date desc, published.priority
    ) = 1
),

cost_basis_profile as (
    select
        newest_bands.signal_date,
        'cost_basis' as cluster_source,
        bands.price_low_usd,
        bands.price_high_usd,
        bands.supply_btc / nullif(bands.price_high_usd - bands.price_low_usd, 0) as density
    from newest_bands
    join closes on closes.signal_date = newest_bands.signal_date
    join bands on bands.observed_date = newest_bands.observed_date
        and bands.provider = newest_bands.provider
        and {{ stands_on('bands', 'newest_bands.signal_date') }}
    where bands.price_low_usd between 0.75 * closes.median_close_usd and 1.10 * closes.median_close_usd
),

unioned as (
    select * from cost_basis_profile
    union all
    select * from volume_profile
)

select * from unioned
