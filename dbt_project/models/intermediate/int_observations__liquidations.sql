-- One row per liquidation series, day and version.
with

liquidations as (select * from {{ ref('stg_coinglass__liquidation') }}),

series as (
    select
        series_id,
        'coinglass' as provider,
        observed_date,
        value,
        1 as source_count,
        cast(null as varchar) as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from (
        select
            *,
            long_liquidation_usd as long_liquidations_usd,
            short_liquidation_usd as short_liquidations_usd,
            long_liquidation_usd + short_liquidation_usd as liquidations_usd
        from liquidations
    )
    unpivot (value for series_id in (long_liquidations_usd, short_liquidations_usd, liquidations_usd))
)

select * from series
