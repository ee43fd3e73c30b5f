-- One row per cost-basis series, provider, day and version: supply in loss, and the densest band at or under the spot
-- price.
with

bands as (select * from {{ ref('int_cost_basis__bands') }}),

closes as (
    select
        observed_date,
        provider,
        value as close_usd,
        known_from,
        known_until
    from {{ ref('int_observations__price') }}
    where series_id = 'btc_close_usd'
),

moments as (
    select
        provider,
        observed_date,
        known_from as moment
    from bands
    union
    select
        bands.provider,
        bands.observed_date,
        closes.known_from
    from bands
    join closes on closes.observed_date = bands.observed_date
),

-- The close of the spot venues, else of the perpetuals.
closes_at as (
    select
        moments.*,
        closes.close_usd
    from moments
    join closes on closes.observed_date = moments.observed_date
        and {{ stands_on('closes', 'moments.moment') }}
    qualify row_number() over (
        partition by moments.provider, moments.observed_date, moments.moment order by closes.provider desc
    ) = 1
),

priced as (
    select
        bands.*,
        closes_at.moment,
        closes_at.close_usd,
        bands.supply_btc / nullif(bands.price_high_usd - bands.price_low_usd, 0) as density
    from closes_at
    join bands on bands.provider = closes_at.provider
        and bands.observed_date = closes_at.observed_date
        and {{ stands_on('bands', 'closes_at.moment') }}
),

peaks as (
    select
        provider,
        observed_date,
        moment,
        max(density) as peak_density,
        max_by((price_low_usd + price_high_usd) / 2, density) as peak_price_usd
    from priced
    where price_low_usd between 0.5 * close_usd and close_usd
    group by provider, observed_date, moment
),

daily as (
    select
        priced.provider,
        priced.observed_date,
        priced.moment as known_from,
        lead(priced.moment) over (partition by priced.provider, priced.observed_date order by priced.moment)
            as known_until,
        100 * sum(priced.supply_btc order by priced.price_low_usd)
            filter (where priced.price_low_usd >= priced.close_usd)
        / nullif(sum(priced.supply_btc order by priced.price_low_usd), 0) as supply_in_loss_pct,
        min(priced.price_low_usd) filter (
            where priced.density >= 0.85 * peaks.peak_density
                and abs((priced.price_low_usd + priced.price_high_usd) / 2 / peaks.peak_price_usd - 1) <= 0.08
        ) as cost_basis_cluster_low_usd,
        max(priced.price_high_usd) filter (
            where priced.density >= 0.85 * peaks.peak_density
                and abs((priced.price_low_usd + priced.price_high_usd) / 2 / peaks.peak_price_usd - 1) <= 0.08
        ) as cost_basis_cluster_high_usd,
        max(priced.known_at) as known_at,
        {{ weakest_basis('priced.known_at_basis') }} as known_at_basis
    from priced
    join peaks on peaks.provider = priced.provider
        and peaks.observed_date = priced.observed_date
        and peaks.moment = priced.moment
    group by priced.provider, priced.observed_date, priced.moment
),

series as (
    select
        series_id,
        provider,
        observed_date,
        value,
        1 as source_count,
        case provider when 'glassnode' then 'entity-adjusted' else 'raw, not entity-adjusted' end as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from daily
    unpivot (value for series_id in (
        supply_in_loss_pct, cost_basis_cluster_low_usd, cost_basis_cluster_high_usd
    ))
    -- Of the chain itself every coin's cost is known: `int_observations__chain` counts coins, not bands.
    where not (provider = 'chain' and series_id = 'supply_in_loss_pct')
)

select * from series
