-- One row per liquidation series, provider, day and version. CoinGlass's aggregate and each of our own venues are
-- providers of their own: what one exchange shows and what an aggregator counts are neither added nor spliced.
with

aggregate as (
    select
        'coinglass' as provider,
        observed_date,
        long_liquidation_usd as long_liquidations_usd,
        short_liquidation_usd as short_liquidations_usd,
        cast(null as varchar) as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from {{ source('staging', 'stg_coinglass__liquidation') }}
),

venues as (
    select
        venue as provider,
        observed_date,
        long_liquidations_usd,
        short_liquidations_usd,
        'one exchange: ' || venue as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from {{ ref('int_liquidations__venue_days') }}
),

unioned as (
    select * from aggregate
    union all
    select * from venues
),

series as (
    select
        series_id,
        provider,
        observed_date,
        value,
        1 as source_count,
        method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from (
        select
            *,
            long_liquidations_usd + short_liquidations_usd as liquidations_usd
        from unioned
    )
    unpivot (value for series_id in (long_liquidations_usd, short_liquidations_usd, liquidations_usd))
)

select * from series
