-- One row per venue, UTC day and version: positions closed by force, at the price of their execution.
{%- set columns %}
        venue,
        liquidated_at,
        observed_date,
        position_side,
        amount_btc * price_usd as value_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
{%- endset %}
with

-- A positive amount was a long position.
bitfinex as (
    select
        * replace (abs(amount_btc) as amount_btc),
        case when amount_btc > 0 then 'long' else 'short' end as position_side
    from {{ source('staging', 'stg_bitfinex__liquidation') }}
),

events as (
    select {{ columns }}
    from bitfinex
    union all
    select {{ columns }}
    from {{ source('staging', 'stg_okx__liquidation') }}
),

days as (
    {{ pooled('events', 'venue, observed_date', [
        "coalesce(sum(pieces.value_usd order by pieces.liquidated_at, pieces.value_usd) "
        ~ "filter (where pieces.position_side = 'long'), 0) as long_liquidations_usd",
        "coalesce(sum(pieces.value_usd order by pieces.liquidated_at, pieces.value_usd) "
        ~ "filter (where pieces.position_side = 'short'), 0) as short_liquidations_usd",
        'count(*) as liquidations',
    ]) }}
),

-- OKX shows a rolling day, so of the first one that it was asked about only a part was seen.
seen_whole as (
    select * from days
    where venue <> 'okx'
        or observed_date > (select min(observed_date) from days where venue = 'okx')
)

select * from seen_whole
