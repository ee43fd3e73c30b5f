-- One row per price series, market, day and version. Prices are the median over the venues of a market.
with

bars as (select * from {{ ref('int_price__venue_days') }}),

pooled_by_market as (
    {{ pooled('bars', 'market, observed_date', [
        'median(pieces.open_usd) as btc_open_usd',
        'median(pieces.high_usd) as btc_high_usd',
        'median(pieces.low_usd) as btc_low_usd',
        'median(pieces.close_usd) as btc_close_usd',
        "100 * sum(pieces.taker_buy_btc order by pieces.venue) filter (where pieces.market = 'spot') "
        ~ "/ nullif(sum(pieces.volume_btc order by pieces.venue) "
        ~ "filter (where pieces.market = 'spot' and pieces.taker_buy_btc is not null), 0) as taker_buy_share_pct",
        "1e4 * (max(pieces.close_usd) filter (where pieces.venue = 'coinbase' and pieces.market = 'spot') "
        ~ "/ max(pieces.close_usd) filter (where pieces.venue = 'binance' and pieces.market = 'spot') - 1) "
        ~ "as coinbase_premium_bps",
        'count(*) as source_count',
        "string_agg(pieces.venue, ', ' order by pieces.venue) as venues",
        'count(pieces.taker_buy_btc) as taker_source_count',
        "string_agg(pieces.venue, ', ' order by pieces.venue) filter (where pieces.taker_buy_btc is not null) "
        ~ "as taker_venues",
    ]) }}
),

by_market as (
    select
        series_id,
        market || ' venues' as provider,
        observed_date,
        value,
        case series_id
            when 'taker_buy_share_pct' then taker_source_count
            when 'coinbase_premium_bps' then 2
            else source_count
        end as source_count,
        case series_id
            when 'taker_buy_share_pct' then market || ': ' || taker_venues
            when 'coinbase_premium_bps' then 'coinbase over binance'
            else 'median of ' || market || ': ' || venues
        end as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from pooled_by_market
    unpivot (value for series_id in (
        btc_open_usd, btc_high_usd, btc_low_usd, btc_close_usd, taker_buy_share_pct, coinbase_premium_bps
    ))
),

-- Volumes of different venues do not add up to a series when a venue comes or goes, so each venue is a provider.
volumes as (
    select
        'spot_volume_btc' as series_id,
        venue as provider,
        observed_date,
        volume_btc as value,
        1 as source_count,
        cast(null as varchar) as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from bars
    where market = 'spot'
),

pooled_by_venue as (
    {{ pooled('bars', 'venue, observed_date', [
        "sum(pieces.volume_btc) filter (where pieces.market = 'spot') "
        ~ "/ nullif(sum(pieces.volume_btc) filter (where pieces.market = 'perp'), 0) as value",
    ]) }}
),

volume_ratios as (
    select
        'spot_perp_volume_ratio' as series_id,
        venue as provider,
        observed_date,
        value,
        1 as source_count,
        'spot over perpetual volume on ' || venue as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from pooled_by_venue
    where value is not null
),

unioned as (
    select * from by_market
    union all by name
    select * from volumes
    union all by name
    select * from volume_ratios
)

select * from unioned
