-- One row per venue and day: the next monthly expiry, the last Friday of a month at least seven days out.
with

open_interest as (select * from {{ ref('int_options__open_interest') }}),

expiries as (
    select
        venue,
        observed_date,
        expiry_time,
        median(underlying_price_usd) as forward_usd,
        sum(open_interest_btc order by strike_usd) filter (where option_type = 'P') as put_open_interest_btc
    from open_interest
    group by venue, observed_date, expiry_time
),

monthly as (
    select * from expiries
    where isodow(expiry_time) = 5
        and month(expiry_time + interval 7 days) <> month(expiry_time)
        and cast(expiry_time as date) - observed_date >= 7
    qualify row_number() over (partition by venue, observed_date order by expiry_time) = 1
)

select * from monthly
