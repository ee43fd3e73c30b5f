-- One row per UTC day and version: the last open interest of the day in Binance's archive. The files of five minutes
-- are the exchange's own figures, but they were never laid beside its hourly ones, so the two are kept apart.
with

readings as (select * from {{ source('staging', 'stg_binance_vision__metrics') }}),

-- The last reading is of 23:55; one of the last hour is near enough, and a day that breaks off earlier has none.
last_hours as (select * from readings where extract(hour from observed_at) = 23),

days as (
    {{ pooled('last_hours', 'venue, observed_date', [
        'arg_max(pieces.open_interest_btc, pieces.observed_at) as open_interest_btc',
        'arg_max(pieces.open_interest_usd, pieces.observed_at) as open_interest_usd',
    ]) }}
)

select * from days
