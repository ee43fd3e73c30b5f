-- Closes of spot venues that lie more than 3 % apart. A warning: venues did part in real crashes, but a wrong unit or a
-- wrong symbol looks the same.
{{ config(severity='warn') }}
with

prices as (select * from {{ ref('fct_price_daily') }} where market = 'spot'),

spreads as (
    select
        signal_date,
        min(close_usd) as lowest_usd,
        max(close_usd) as highest_usd
    from prices
    group by signal_date
)

select * from spreads
where highest_usd > 1.03 * lowest_usd
