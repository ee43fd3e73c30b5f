-- One row per open-interest series, provider, day and version. Providers are never added or spliced: the sum over our
-- own venues, the aggregates of CoinGlass and of Glassnode, which exist in dollars only, and the archive of one venue,
-- which reaches back years. A change compares the same venues on both days.
with

own_venues as (select * from {{ ref('int_open_interest__venue_days') }}),

aggregate as (select * from {{ source('staging', 'stg_coinglass__open_interest') }}),

glassnode as (select * from {{ source('staging', 'stg_glassnode__futures_open_interest') }}),

archive as (select * from {{ ref('int_open_interest__archive_days') }}),

pieces as (
    select
        'own venues' as provider,
        venue,
        observed_date,
        open_interest_btc,
        open_interest_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from own_venues
    union all
    select
        'coinglass',
        'all venues',
        observed_date,
        cast(null as double),
        close_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from aggregate
    union all
    select
        'glassnode',
        'all venues',
        observed_date,
        cast(null as double),
        open_interest_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from glassnode
    where open_interest_usd is not null
    union all
    select
        'binance archive',
        venue,
        observed_date,
        open_interest_btc,
        open_interest_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from archive
),

-- A level is compared with a year of itself, so it adds up the same exchanges as ever. One that answers only for now
-- would lift it on the day that it was first asked, for good; changes take all of them in.
steady as (
    select * from pieces
    where provider <> 'own venues'
        or venue in ('binance', 'bybit', 'okx')
),

levels as (
    {{ pooled('steady', 'provider, observed_date', [
        'sum(pieces.open_interest_btc order by pieces.venue) as futures_oi_btc',
        'sum(pieces.open_interest_usd order by pieces.venue) as futures_oi_usd',
        'count(*) as source_count',
        "string_agg(pieces.venue, ', ' order by pieces.venue) as venues",
    ]) }}
),

-- The day to compare with stands in the row itself: the join below finds it by equality, not by trying all days.
compared as (
    select
        *,
        unnest([1, 3, 7, 30]) as lag_days,
        observed_date - lag_days as earlier_date
    from pieces
),

-- The same venue on two days, for as long as both versions are the ones that are known.
pairs as (
    select
        later.provider,
        later.venue,
        later.observed_date,
        later.lag_days,
        later.open_interest_btc,
        later.open_interest_usd,
        earlier.open_interest_btc as earlier_btc,
        earlier.open_interest_usd as earlier_usd,
        greatest(later.known_at, earlier.known_at) as known_at,
        {{ weaker_basis('later.known_at_basis', 'earlier.known_at_basis') }} as known_at_basis,
        greatest(later.known_from, earlier.known_from) as known_from,
        least(later.known_until, earlier.known_until) as known_until
    from compared as later
    join pieces as earlier
        on earlier.provider = later.provider
        and earlier.venue = later.venue
        and earlier.observed_date = later.earlier_date
    where (later.known_until is null or earlier.known_from < later.known_until)
        and (earlier.known_until is null or later.known_from < earlier.known_until)
),

changes as (
    {{ pooled('pairs', 'provider, observed_date, lag_days', [
        'sum(pieces.open_interest_btc order by pieces.venue) as later_total_btc',
        'sum(pieces.earlier_btc order by pieces.venue) as earlier_total_btc',
        'sum(pieces.open_interest_usd order by pieces.venue) as later_total_usd',
        'sum(pieces.earlier_usd order by pieces.venue) as earlier_total_usd',
        '100 * (later_total_btc / nullif(earlier_total_btc, 0) - 1) as change_pct',
        '100 * (later_total_usd / nullif(earlier_total_usd, 0) - 1) as change_usd_pct',
        'later_total_usd - earlier_total_usd as change_usd',
        'count(*) as source_count',
        "string_agg(pieces.venue, ', ' order by pieces.venue) as venues",
    ]) }}
),

level_series as (
    select * from levels
    unpivot (value for series_id in (futures_oi_btc, futures_oi_usd))
),

change_series as (
    select
        * exclude (measure, lag_days),
        'futures_oi_change_' || lag_days || 'd_' || replace(measure, 'change_', '') as series_id
    from (from changes unpivot (value for measure in (change_pct, change_usd_pct, change_usd)))
),

unioned as (
    select * from level_series
    union all by name
    select * from change_series
),

described as (
    select
        series_id,
        provider,
        observed_date,
        value,
        source_count,
        venues as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from unioned
)

select * from described
