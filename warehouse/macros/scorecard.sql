-- scorecard(): what followed each bucket state, condition and regime: how often it held, in how many separate stretches,
-- mean return and drawdown over 7, 30 and 90 days against the other days, and whether that tells days apart.
create macro scorecard() as table
select * from marts.fct_scorecard
order by kind, subject, state, horizon_days;
