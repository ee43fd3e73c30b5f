-- One row per date, source and price bin: how much lies around that price, smoothed. Two sources: the cost basis of
-- unspent coins, and what was traded at each price in the two years before. Old trades fade, nothing drops off at the
-- far end, and the last days come in slowly, so that a cluster cannot follow today's price. In whole units, for a sum
-- of integers is the same in any order.
{{ config(materialized='view') }}
with

coverage as (select * from {{ ref('int_level__coverage') }}),

path as (select * from {{ ref('int_level__path') }}),

traded as (select * from {{ ref('int_level__traded') }}),

traded_days as (select distinct observed_date, known_from, known_until from traded),

bands as (select * from {{ ref('int_cost_basis__bands') }}),

weighted_days as (
    select
        coverage.signal_date,
        traded_days.observed_date,
        traded_days.known_from,
        coverage.signal_date - traded_days.observed_date as age_days,
        pow(0.5, age_days / {{ var('level_half_life_days') }})
        * (1 - (age_days - 1) / {{ var('level_window_days') }})
        * least(1, age_days / {{ var('level_ramp_days') }}) as weight
    from coverage
    join traded_days
        on traded_days.observed_date
        between coverage.signal_date - {{ var('level_window_days') }} and coverage.signal_date - 1
        and {{ stands_on('traded_days', 'coverage.signal_date') }}
    where coverage.has_volume_profile
),

volume_profile as (
    select
        weighted_days.signal_date,
        'volume_at_price' as cluster_source,
        traded.bin,
        cast(sum(cast(traded.mass * weighted_days.weight as bigint)) as bigint) as mass
    from weighted_days
    join traded
        on traded.observed_date = weighted_days.observed_date
        and traded.known_from = weighted_days.known_from
    group by weighted_days.signal_date, traded.bin
),

-- Old coins lie at prices far below: what no close of the time that counts was near is cut off, or a table of bands
-- from the first cent on would make thousands of bins a date. The cut is so far out that no node within reach sees it.
{%- set cut = var('level_reach') + 2 * (var('level_apart_bins') + var('level_smooth_bins')) * var('level_bin') %}
ranges as (
    select
        signal_date,
        min(close_usd) * exp(-{{ cut }}) as lowest_usd,
        max(close_usd) * exp({{ cut }}) as highest_usd
    from path
    group by signal_date
),

spread_bands as (
    select
        coverage.signal_date,
        bands.supply_btc,
        ln(bands.price_low_usd) / {{ var('level_bin') }} as low_bin,
        ln(bands.price_high_usd) / {{ var('level_bin') }} as high_bin,
        unnest(generate_series(cast(floor(low_bin) as integer), cast(floor(high_bin) as integer))) as bin
    from coverage
    join ranges on ranges.signal_date = coverage.signal_date
    join bands
        on bands.observed_date = coverage.bands_date
        and bands.provider = coverage.bands_provider
        and {{ stands_on('bands', 'coverage.signal_date') }}
        and bands.price_low_usd between ranges.lowest_usd and ranges.highest_usd
),

cost_basis_profile as (
    select
        signal_date,
        'cost_basis' as cluster_source,
        bin,
        cast(sum(cast(1e8 * supply_btc * coalesce(
            (least(high_bin, bin + 1) - greatest(low_bin, bin)) / nullif(high_bin - low_bin, 0), 1
        ) as bigint)) as bigint) as mass
    from spread_bands
    group by signal_date, bin
),

raw_profiles as (
    select * from cost_basis_profile
    union all
    select * from volume_profile
),

-- Bins in which nothing lies are bins too: a dense grid, wide enough for what is smoothed over its ends.
grid as (
    select
        signal_date,
        cluster_source,
        unnest(generate_series(
            min(bin) - {{ 5 * var('level_smooth_bins') }}, max(bin) + {{ 5 * var('level_smooth_bins') }}
        )) as bin
    from raw_profiles
    group by signal_date, cluster_source
),

smoothed_once as (
    select
        grid.signal_date,
        grid.cluster_source,
        grid.bin,
        cast(sum(coalesce(raw_profiles.mass, 0)) over around as bigint) as mass
    from grid
    left join raw_profiles
        on raw_profiles.signal_date = grid.signal_date
        and raw_profiles.cluster_source = grid.cluster_source
        and raw_profiles.bin = grid.bin
    window around as (
        partition by grid.signal_date, grid.cluster_source order by grid.bin
        rows between {{ var('level_smooth_bins') }} preceding and {{ var('level_smooth_bins') }} following
    )
),

smoothed_twice as (
    select
        signal_date,
        cluster_source,
        bin,
        cast(sum(mass) over (
            partition by signal_date, cluster_source order by bin
            rows between {{ var('level_smooth_bins') }} preceding and {{ var('level_smooth_bins') }} following
        ) as bigint) as density
    from smoothed_once
)

select * from smoothed_twice
