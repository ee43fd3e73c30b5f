-- One row per cost-basis series, provider and day: supply in loss, and the densest band at or under the spot price.
with

bands as (select * from {{ ref('int_cost_basis__bands') }}),

closes as (
    select
        observed_date,
        value as close_usd
    from {{ ref('int_observations__price') }}
    where series_id = 'btc_close_usd'
        and known_until is null
    qualify row_number() over (partition by observed_date order by provider desc) = 1
),

priced as (
    select
        bands.*,
        closes.close_usd,
        bands.supply_btc / nullif(bands.price_high_usd - bands.price_low_usd, 0) as density
    from bands
    join closes on closes.observed_date = bands.observed_date
),

peaks as (
    select
        observed_date,
        max(density) as peak_density,
        max_by((price_low_usd + price_high_usd) / 2, density) as peak_price_usd
    from priced
    where price_low_usd between 0.5 * close_usd and close_usd
    group by observed_date
),

daily as (
    select
        priced.provider,
        priced.observed_date,
        100 * sum(priced.supply_btc) filter (where priced.price_low_usd >= priced.close_usd)
        / nullif(sum(priced.supply_btc), 0) as supply_in_loss_pct,
        min(priced.price_low_usd) filter (
            where priced.density >= 0.85 * peaks.peak_density
                and abs((priced.price_low_usd + priced.price_high_usd) / 2 / peaks.peak_price_usd - 1) <= 0.08
        ) as cost_basis_cluster_low_usd,
        max(priced.price_high_usd) filter (
            where priced.density >= 0.85 * peaks.peak_density
                and abs((priced.price_low_usd + priced.price_high_usd) / 2 / peaks.peak_price_usd - 1) <= 0.08
        ) as cost_basis_cluster_high_usd,
        max(priced.known_at) as known_at,
        max(priced.known_at_basis) as known_at_basis,
        max(priced.known_from) as known_from
    from priced
    join peaks on peaks.observed_date = priced.observed_date
    group by priced.provider, priced.observed_date
),

series as (
    select
        series_id,
        provider,
        observed_date,
        value,
        1 as source_count,
        'raw, not entity-adjusted' as method_note,
        known_at,
        known_at_basis,
        known_from,
        cast(null as date) as known_until
    from daily
    unpivot (value for series_id in (
        supply_in_loss_pct, cost_basis_cluster_low_usd, cost_basis_cluster_high_usd
    ))
)

select * from series
