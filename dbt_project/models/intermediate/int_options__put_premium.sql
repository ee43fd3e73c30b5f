-- One row per venue and day: how much of the money in out-of-the-money options lies in puts, of all expiries 7 to 60
-- days out. It says where the money is, not who bought: each open put has a seller. Under two expiries, or 20 such
-- options, or with none on one side there is no reading.
with

chain as (select * from {{ ref('int_options__open_interest') }}),

forwards as (
    select
        venue,
        observed_date,
        expiry_time,
        median(underlying_price_usd) as forward_usd,
        any_value(epoch(expiry_time - snapshot_time)) / 86400 as days_to_expiry
    from chain
    group by venue, observed_date, expiry_time
),

out_of_the_money as (
    select
        chain.venue,
        chain.observed_date,
        chain.expiry_time,
        chain.strike_usd,
        chain.option_type,
        chain.open_interest_btc,
        coalesce(chain.mark_price_btc, {{ black76_price(
            'chain.option_type', 'chain.strike_usd / forwards.forward_usd',
            'chain.mark_iv_pct / 100 * sqrt(forwards.days_to_expiry / 365)'
        ) }}) as mark_price_btc
    from chain
    join forwards
        on forwards.venue = chain.venue
        and forwards.observed_date = chain.observed_date
        and forwards.expiry_time = chain.expiry_time
    where forwards.days_to_expiry between 7 and 60
        and (chain.option_type = 'C') = (chain.strike_usd >= forwards.forward_usd)
),

summed as (
    select
        venue,
        observed_date,
        count(distinct expiry_time) as expiries,
        count(*) as options,
        count(*) filter (where option_type = 'P') as puts,
        sum(open_interest_btc * mark_price_btc order by expiry_time, strike_usd)
            filter (where option_type = 'P') as put_premium_btc,
        sum(open_interest_btc * mark_price_btc order by expiry_time, strike_usd) as premium_btc
    from out_of_the_money
    where open_interest_btc is not null
        and mark_price_btc is not null
    group by venue, observed_date
),

shares as (
    select
        venue,
        observed_date,
        100 * put_premium_btc / nullif(premium_btc, 0) as put_premium_share_pct
    from summed
    where expiries >= 2
        and options >= 20
        and puts between 1 and options - 1
)

select * from shares
