-- One row per provider, trading date and version: the funds' flows added up, and whether the date is complete. It is
-- complete when no active fund is missing, the page does not mark the row, and the sum is the printed total to 0.15 m
-- (the funds are printed to 0.1 m). A fund is active when it reported within the 30 days before. Providers stay apart.
with

farside as (select * from {{ source('staging', 'stg_farside__etf_flow') }}),

coinglass as (select * from {{ source('staging', 'stg_coinglass__etf_flow') }}),

cells as (
    select
        'farside' as provider,
        *
    from farside
    union all by name
    select
        'coinglass' as provider,
        *,
        false as is_highlighted
    from coinglass
),

funds as (select * from cells where fund <> 'TOTAL'),

totals as (select * from cells where fund = 'TOTAL'),

moments as (
    select distinct
        provider,
        observed_date,
        known_from as moment
    from cells
),

active_from as (
    select
        funds.provider,
        funds.observed_date,
        funds.fund,
        min(earlier.known_from) as active_from
    from (select distinct provider, observed_date, fund from funds) as funds
    join funds as earlier on earlier.provider = funds.provider
        and earlier.fund = funds.fund
        and earlier.observed_date between funds.observed_date - 30 and funds.observed_date - 1
        and earlier.flow_usd is not null
    group by funds.provider, funds.observed_date, funds.fund
),

known as (
    select
        moments.provider,
        moments.observed_date,
        moments.moment,
        funds.fund,
        funds.flow_usd,
        funds.is_highlighted,
        funds.known_at,
        funds.known_at_basis,
        funds.flow_usd is null and coalesce(active_from.active_from <= moments.moment, false) as is_missing
    from moments
    join funds on funds.provider = moments.provider
        and funds.observed_date = moments.observed_date
        and {{ stands_on('funds', 'moments.moment') }}
    left join active_from on active_from.provider = funds.provider
        and active_from.observed_date = funds.observed_date
        and active_from.fund = funds.fund
),

printed as (
    select
        moments.provider,
        moments.observed_date,
        moments.moment,
        totals.flow_usd as printed_total_usd
    from moments
    join totals on totals.provider = moments.provider
        and totals.observed_date = moments.observed_date
        and {{ stands_on('totals', 'moments.moment') }}
),

added_up as (
    select
        known.provider,
        known.observed_date,
        known.moment,
        sum(known.flow_usd order by known.fund) as net_flow_usd,
        count(known.flow_usd) as funds_reported,
        string_agg(known.fund, ', ' order by known.fund) filter (where known.is_missing) as funds_missing,
        count(*) filter (where known.is_missing) = 0
        and count(known.flow_usd) > 0
        and not bool_or(known.is_highlighted)
        and coalesce(
            abs(sum(known.flow_usd order by known.fund) - any_value(printed.printed_total_usd)) <= 0.15e6, true
        ) as is_complete,
        max(known.known_at) as known_at,
        {{ weakest_basis('known.known_at_basis') }} as known_at_basis
    from known
    left join printed on printed.provider = known.provider
        and printed.observed_date = known.observed_date
        and printed.moment = known.moment
    group by known.provider, known.observed_date, known.moment
),

versioned as (
    select
        * exclude (moment),
        moment as known_from,
        lead(moment) over (partition by provider, observed_date order by moment) as known_until
    from added_up
)

select * from versioned
