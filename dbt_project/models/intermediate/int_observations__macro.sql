-- One row per macro series, provider, trading date and version: closes and yields. Which provider is read is a matter
-- of the seed `series`; two providers are never joined into one series.
with

symbols as (select * from {{ ref('macro_symbols') }}),

quotes as (
    select 'yahoo' as provider, symbol, observed_date, close as value, known_at, known_at_basis, known_from, known_until
    from {{ source('staging', 'stg_yahoo__daily_bar') }}
    union all
    select 'fred', series_id, observed_date, value, known_at, known_at_basis, known_from, known_until
    from {{ source('staging', 'stg_fred__observation') }}
    union all
    select 'fred_api', series_id, observed_date, value, known_at, known_at_basis, known_from, known_until
    from {{ source('staging', 'stg_fred_api__observation') }}
    union all
    select 'stooq', symbol, observed_date, close, known_at, known_at_basis, known_from, known_until
    from {{ source('staging', 'stg_stooq__daily_bar') }}
    union all
    select 'twelvedata', symbol, observed_date, close, known_at, known_at_basis, known_from, known_until
    from {{ source('staging', 'stg_twelvedata__daily_bar') }}
    union all
    select 'cboe', 'VIX', observed_date, close, known_at, known_at_basis, known_from, known_until
    from {{ source('staging', 'stg_cboe__vix') }}
    union all
    select 'treasury', 'nominal ' || tenor, observed_date, yield_pct, known_at, known_at_basis, known_from, known_until
    from {{ source('staging', 'stg_treasury__par_yield') }}
    union all
    select 'treasury', 'real ' || tenor, observed_date, yield_pct, known_at, known_at_basis, known_from, known_until
    from {{ source('staging', 'stg_treasury__real_yield') }}
),

named as (
    select
        symbols.series_id,
        quotes.provider,
        quotes.observed_date,
        quotes.value,
        1 as source_count,
        symbols.instrument as method_note,
        quotes.known_at,
        quotes.known_at_basis,
        quotes.known_from,
        quotes.known_until
    from quotes
    join symbols on symbols.provider = quotes.provider and symbols.symbol = quotes.symbol
    where quotes.value is not null
),

ecb_rates as (select * from {{ source('staging', 'stg_ecb__reference_rate') }}),

-- Units of each currency for one euro on one day, one column a currency; null for one that is not out.
fixings as (
    {{ pooled('ecb_rates', 'observed_date', [
        "max(pieces.units_per_eur) filter (where pieces.currency = 'USD') as usd",
        "max(pieces.units_per_eur) filter (where pieces.currency = 'JPY') as jpy",
        "max(pieces.units_per_eur) filter (where pieces.currency = 'GBP') as gbp",
        "max(pieces.units_per_eur) filter (where pieces.currency = 'CAD') as cad",
        "max(pieces.units_per_eur) filter (where pieces.currency = 'SEK') as sek",
        "max(pieces.units_per_eur) filter (where pieces.currency = 'CHF') as chf",
    ]) }}
),

-- The weights that ICE publishes for its US dollar index.
dollar_index as (
    select
        'dxy_ecb' as series_id,
        'ecb' as provider,
        observed_date,
        50.14348112 * power(usd, -0.576) * power(jpy / usd, 0.136) * power(usd / gbp, -0.119)
        * power(cad / usd, 0.091) * power(sek / usd, 0.042) * power(chf / usd, 0.036) as value,
        1 as source_count,
        'ICE weights on ECB rates of 14:15 Frankfurt' as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from fixings
),

unioned as (
    select * from named
    union all
    select * from dollar_index
    where value is not null
)

select * from unioned
