-- One row per forced order and version, of the bitcoin swap. A lower bound: the venue shows at most one a second.
with

versions as (
    {{ versions('okx__liquidation', 'symbol, liquidated_at, position_side, price_usd, amount_btc',
        'cast(liquidated_at as date)') }}
),

renamed as (
    select
        'okx' as venue,
        symbol,
        liquidated_at,
        observed_date,
        position_side,
        amount_btc,
        price_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
