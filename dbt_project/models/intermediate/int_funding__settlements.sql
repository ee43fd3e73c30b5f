-- One row per settlement and version, over all venues. Of a venue with several contracts the perpetual with the most
-- open interest stands for it. Where a venue does not state the interval, it is the distance to the settlement before,
-- known once both are; any other distance than the ones that venues use is a hole, and the settlement says nothing.
with

stated as (
    select * from {{ source('staging', 'stg_binance__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_bybit__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_okx__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_deribit__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_bitmex__funding_rate') }} where symbol = 'XBTUSD'
    union all by name
    select * from {{ source('staging', 'stg_hyperliquid__funding_rate') }}
    union all by name
    select * from {{ source('staging', 'stg_kraken_futures__funding_rate') }} where symbol = 'PF_XBTUSD'
),

stamps as (
    select
        venue,
        symbol,
        funding_time,
        min(known_at) as known_at,
        min(known_from) as known_from
    from stated
    group by venue, symbol, funding_time
),

distances as (
    select
        venue,
        symbol,
        funding_time,
        date_diff('second', lag(funding_time) over earlier, funding_time) / 3600.0 as hours,
        lag(known_at) over earlier as before_known_at,
        lag(known_from) over earlier as before_known_from
    from stamps
    window earlier as (partition by venue, symbol order by funding_time)
),

settlements as (
    select
        stated.* replace (
            coalesce(stated.interval_hours, distances.hours) as interval_hours,
            case
                when stated.interval_hours is null then greatest(stated.known_at, distances.before_known_at)
                else stated.known_at
            end as known_at,
            case
                when stated.interval_hours is null then greatest(stated.known_from, distances.before_known_from)
                else stated.known_from
            end as known_from
        )
    from stated
    join distances
        on distances.venue = stated.venue
        and distances.symbol = stated.symbol
        and distances.funding_time = stated.funding_time
    where stated.interval_hours is not null or distances.hours in (1, 2, 4, 8)
)

select * from settlements where known_until is null or known_from < known_until
