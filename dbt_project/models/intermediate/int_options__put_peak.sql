-- One row per venue and day: the contiguous strikes, spanning at most 15 % of the forward, that hold most put open
-- interest in the next monthly expiry.
with

monthly as (select * from {{ ref('int_options__monthly_expiry') }}),

open_interest as (select * from {{ ref('int_options__open_interest') }}),

puts as (
    select
        monthly.venue,
        monthly.observed_date,
        monthly.expiry_time,
        monthly.forward_usd,
        monthly.put_open_interest_btc,
        open_interest.strike_usd,
        open_interest.open_interest_btc
    from monthly
    join open_interest on open_interest.venue = monthly.venue
        and open_interest.observed_date = monthly.observed_date
        and open_interest.expiry_time = monthly.expiry_time
        and open_interest.option_type = 'P'
),

bands as (
    select
        lowest.venue,
        lowest.observed_date,
        lowest.expiry_time,
        lowest.strike_usd as low_strike_usd,
        max(inside.strike_usd) filter (where inside.open_interest_btc > 0) as high_strike_usd,
        sum(inside.open_interest_btc order by inside.strike_usd)
        / nullif(any_value(lowest.put_open_interest_btc), 0) as share
    from puts as lowest
    join puts as inside on inside.venue = lowest.venue
        and inside.observed_date = lowest.observed_date
        and inside.strike_usd between lowest.strike_usd and lowest.strike_usd + 0.15 * lowest.forward_usd
    where lowest.open_interest_btc > 0
    group by lowest.venue, lowest.observed_date, lowest.expiry_time, lowest.strike_usd
),

densest as (
    select
        venue,
        observed_date,
        expiry_time,
        low_strike_usd,
        high_strike_usd,
        100 * share as share_pct
    from bands
    qualify row_number() over (partition by venue, observed_date order by share desc, low_strike_usd) = 1
)

select * from densest
