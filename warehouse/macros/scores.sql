-- scores(): what the forecasts of the last 730 ended days were worth against each baseline: skill in percent with its 90 %
-- interval, independent windows, coverage of the intervals and the verdict. Live and back-test stand apart.
create macro scores() as table
select
    horizon_days,
    origin,
    event,
    score,
    baseline,
    skill_pct,
    lo90_pct,
    hi90_pct,
    independent_windows,
    coverage50,
    coverage90,
    coverage_verdict,
    verdict,
    method
from marts.fct_forecast_score
where period = '730d'
order by method, horizon_days, origin, score, event, baseline;
