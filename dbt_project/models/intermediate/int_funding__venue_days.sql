-- One row per venue, UTC day and version: the mean rate over the settlements stamped on that day, percent per 8 hours.
with

settlements as (select * from {{ ref('int_funding__settlements') }}),

days as (
    {{ pooled('settlements', 'venue, observed_date', [
        '100 * 8 * sum(pieces.funding_rate order by pieces.funding_time) / nullif(sum(pieces.interval_hours), 0) '
        ~ 'as funding_rate_8h_pct',
        'count(*) as settlements',
    ]) }}
)

select * from days
