-- One row per date and price band: unspent coins by the price at which they last moved.
with

bands as (select * from {{ ref('int_cost_basis__bands') }}),

renamed as (
    select
        observed_date as signal_date,
        price_low_usd,
        price_high_usd,
        supply_btc,
        provider
    from bands
)

select * from renamed
