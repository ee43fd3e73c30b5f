-- Two rows per signal date: who reads it with what knowledge. `as_known` sees what was known at the date's cut-off,
-- `settled` sees the latest version of everything.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

readers as (
    select
        knowledge,
        signal_date,
        us_trading_day_number
    from dates
    cross join (values ('as_known'), ('settled')) as knowledges (knowledge)
)

select * from readers
