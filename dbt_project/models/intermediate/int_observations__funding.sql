-- One row per funding series, day and version. Venues weigh by their open interest in dollars; a venue without one is
-- left out if at least two have it, else all weigh the same.
with

rates as (select * from {{ ref('int_funding__venue_days') }}),

weights as (select * from {{ ref('int_open_interest__venue_days') }}),

moments as (
    select distinct
        observed_date,
        known_from as moment
    from rates
    union
    select distinct
        weights.observed_date,
        weights.known_from
    from weights
    semi join rates on rates.observed_date = weights.observed_date
),

known_rates as (
    select
        moments.moment,
        rates.*
    from moments
    join rates on rates.observed_date = moments.observed_date
        and {{ stands_on('rates', 'moments.moment') }}
),

weighted as (
    select
        known_rates.observed_date,
        known_rates.moment,
        known_rates.venue,
        known_rates.funding_rate_8h_pct,
        known_rates.known_at,
        known_rates.known_at_basis,
        weights.open_interest_usd,
        count(weights.open_interest_usd) over (partition by known_rates.observed_date, known_rates.moment) >= 2
            as is_weighted
    from known_rates
    left join weights on weights.venue = known_rates.venue
        and weights.observed_date = known_rates.observed_date
        and {{ stands_on('weights', 'known_rates.moment') }}
),

pooled_days as (
    select
        observed_date,
        moment as known_from,
        lead(moment) over (partition by observed_date order by moment) as known_until,
        funding_rate_8h_pct,
        funding_positive_venue_share_pct,
        source_count,
        method_note,
        venues_reporting,
        venue_names,
        known_at,
        known_at_basis
    from (
        select
            observed_date,
            moment,
            case
                when any_value(is_weighted)
                    then sum(funding_rate_8h_pct * open_interest_usd order by venue)
                        / nullif(sum(open_interest_usd order by venue), 0)
                else avg(funding_rate_8h_pct order by venue)
            end as funding_rate_8h_pct,
            100.0 * count(*) filter (where funding_rate_8h_pct > 0) / count(*) as funding_positive_venue_share_pct,
            count(*) filter (where not is_weighted or open_interest_usd is not null) as source_count,
            case when any_value(is_weighted) then 'weighted by open interest: ' else 'equal weights: ' end
                || string_agg(venue, ', ' order by venue)
                    filter (where not is_weighted or open_interest_usd is not null)
                as method_note,
            count(*) as venues_reporting,
            string_agg(venue, ', ' order by venue) as venue_names,
            max(known_at) as known_at,
            {{ weakest_basis('known_at_basis') }} as known_at_basis
        from weighted
        group by observed_date, moment
    )
),

series as (
    select
        series_id,
        'own venues' as provider,
        observed_date,
        value,
        -- The share counts every venue that reports, the rate only those that it weighs.
        case when series_id = 'funding_rate_8h_pct' then source_count else venues_reporting end as source_count,
        case when series_id = 'funding_rate_8h_pct' then method_note else 'venues: ' || venue_names end as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from pooled_days
    unpivot (value for series_id in (funding_rate_8h_pct, funding_positive_venue_share_pct))
    union all by name
    -- The last rate of the day; an aggregator's weights are not ours, so the two are never pooled or spliced.
    select
        'funding_rate_8h_pct' as series_id,
        'coinglass' as provider,
        observed_date,
        close_pct_8h as value,
        1 as source_count,
        'close of day over all venues, as CoinGlass weighs them' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from {{ source('staging', 'stg_coinglass__funding_rate') }}
)

select * from series
