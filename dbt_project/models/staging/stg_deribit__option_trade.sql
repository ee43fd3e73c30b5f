-- One row per option trade and version: the last thousand of each UTC day.
with

versions as ({{ versions('deribit__option_trade', 'trade_id', 'cast(traded_at as date)') }}),

renamed as (
    select
        trade_id,
        traded_at,
        observed_date,
        instrument_name,
        expiry_time as expires_at,
        strike_usd,
        option_type,
        direction,
        price_btc,
        amount_btc,
        iv_pct,
        mark_price_btc,
        index_price_usd,
        liquidation as liquidated_side,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
