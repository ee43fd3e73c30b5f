-- One row per executed liquidation and version. A positive amount was a long position.
with

versions as ({{ versions('bitfinex__liquidation', 'position_id, liquidated_at', 'cast(liquidated_at as date)') }}),

renamed as (
    select
        'bitfinex' as venue,
        position_id,
        symbol,
        liquidated_at,
        observed_date,
        case when amount_btc > 0 then 'long' else 'short' end as position_side,
        abs(amount_btc) as amount_btc,
        price_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
