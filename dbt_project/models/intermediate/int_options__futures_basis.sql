-- One row per venue and day: dated futures over the venue's spot index, simple annual percent at a constant 90 days.
-- Linear in time between the two expiries around it, never beyond the listed ones. Expiries without a listed future
-- (marked SYN.) are left out.
with

chain as (select * from {{ ref('int_options__open_interest') }}),

futures as (
    select
        venue,
        observed_date,
        expiry_time,
        epoch(expiry_time - any_value(snapshot_time)) / 86400 as days_to_expiry,
        median(underlying_price_usd) as future_usd,
        median(index_price_usd) as index_usd
    from chain
    where underlying_index not like 'SYN.%'
        and underlying_index <> 'index_price'
    group by venue, observed_date, expiry_time
),

annualised as (
    select
        venue,
        observed_date,
        days_to_expiry,
        100 * (future_usd / nullif(index_usd, 0) - 1) * 365 / nullif(days_to_expiry, 0) as basis_pct
    from futures
    where days_to_expiry >= 2
        and index_usd is not null
),

neighbours as (
    select
        venue,
        observed_date,
        max(days_to_expiry) filter (where days_to_expiry <= 90) as days_before,
        max_by(basis_pct, days_to_expiry) filter (where days_to_expiry <= 90) as basis_before_pct,
        min(days_to_expiry) filter (where days_to_expiry > 90) as days_after,
        min_by(basis_pct, days_to_expiry) filter (where days_to_expiry > 90) as basis_after_pct
    from annualised
    group by venue, observed_date
),

interpolated as (
    select
        venue,
        observed_date,
        basis_before_pct + (basis_after_pct - basis_before_pct) * (90 - days_before) / (days_after - days_before)
            as futures_basis_annualized_pct
    from neighbours
    where days_before is not null
        and days_after is not null
)

select * from interpolated
