-- One row per date: the level and the absorption cluster in use, and where they come from. In this order: an analyst's
-- dated row, the cost-basis distribution, volume at price, none.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

analyst_levels as (select * from {{ ref('levels') }}),

profiles as (select * from {{ ref('int_level__profiles') }}),

peaks as (
    select
        signal_date,
        cluster_source,
        max(density) as peak_density,
        max_by((price_low_usd + price_high_usd) / 2, density) as peak_price_usd
    from profiles
    group by signal_date, cluster_source
),

-- The bins that hold at least 85 % of the peak and lie within 8 % of it.
clusters as (
    select
        profiles.signal_date,
        profiles.cluster_source,
        min(profiles.price_low_usd) as cluster_low_usd,
        max(profiles.price_high_usd) as cluster_high_usd
    from profiles
    join peaks on peaks.signal_date = profiles.signal_date and peaks.cluster_source = profiles.cluster_source
    where profiles.density >= 0.85 * peaks.peak_density
        and abs((profiles.price_low_usd + profiles.price_high_usd) / 2 / peaks.peak_price_usd - 1) <= 0.08
    group by profiles.signal_date, profiles.cluster_source
),

analyst as (
    select
        dates.signal_date,
        'analyst' as cluster_source,
        1 as priority,
        analyst_levels.level_usd,
        analyst_levels.cluster_low_usd,
        analyst_levels.cluster_high_usd
    from dates
    join analyst_levels on dates.signal_date between analyst_levels.valid_from and analyst_levels.valid_to
    where analyst_levels.known_from <= dates.signal_date
),

computed as (
    select
        signal_date,
        cluster_source,
        case cluster_source when 'cost_basis' then 2 else 3 end as priority,
        cluster_high_usd as level_usd,
        cluster_low_usd,
        cluster_high_usd
    from clusters
),

ranked as (
    select * from (
        select * from analyst
        union all
        select * from computed
    )
    qualify row_number() over (partition by signal_date order by priority) = 1
),

in_use as (
    select
        dates.signal_date,
        coalesce(ranked.cluster_source, 'none') as cluster_source,
        ranked.level_usd,
        ranked.cluster_low_usd,
        ranked.cluster_high_usd
    from dates
    left join ranked on ranked.signal_date = dates.signal_date
)

select * from in_use
