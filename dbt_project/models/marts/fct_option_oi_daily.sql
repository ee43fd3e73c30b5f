-- One row per date, expiry, strike and option type: open interest in the day's last chain snapshot.
with

open_interest as (select * from {{ ref('int_options__open_interest') }}),

renamed as (
    select
        observed_date as signal_date,
        cast(expiry_time as date) as expiry,
        strike_usd as strike,
        option_type,
        open_interest_btc,
        venue
    from open_interest
    where stands_for_day
        and {{ has_ended('observed_date') }}
)

select
    signal_date,
    expiry,
    strike,
    option_type,
    open_interest_btc,
    venue
from renamed
