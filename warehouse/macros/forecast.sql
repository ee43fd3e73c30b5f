-- forecast(date): the forecast of a date, the newest without one: one row a horizon and price, the chances in percent, and
-- the close's intervals. Chances are of the published method; what they were worth, scores() says.
create macro forecast(day := null) as table
with asked as (
    select coalesce(cast(day as date), (select max(forecast_date) from marts.fct_forecast_log)) as forecast_date
)
select
    log.forecast_date,
    log.horizon_days,
    log.target_date,
    log.origin,
    log.spot_usd,
    log.p05_usd,
    log.p25_usd,
    log.p50_usd,
    log.p75_usd,
    log.p95_usd,
    said.strike_usd,
    said.role,
    said.side,
    100.0 * said.prob_close_below as close_below_pct,
    100.0 * said.prob_touch as touch_pct,
    100.0 * said.prob_holds as holds_pct,
    100.0 * said.prob_stays_below as stays_below_pct,
    log.method
from asked
join marts.fct_forecast_log as log on log.forecast_date = asked.forecast_date
join marts.dim_forecast_method as methods on methods.method = log.method and methods.role = 'published'
left join marts.fct_forecast_strike_daily as said
    on said.forecast_date = log.forecast_date and said.horizon_days = log.horizon_days and said.method = log.method
order by log.horizon_days, said.strike_usd, said.role;
