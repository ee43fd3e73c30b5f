-- One row per date and venue: positions closed by force in the UTC day.
with

liquidations as (select * from {{ ref('stg_coinglass__liquidation') }}),

latest as (
    select
        observed_date as signal_date,
        'coinglass aggregate' as venue,
        long_liquidation_usd as long_liquidations_usd,
        short_liquidation_usd as short_liquidations_usd,
        known_at,
        known_at_basis
    from liquidations
    where known_until is null
)

select * from latest
