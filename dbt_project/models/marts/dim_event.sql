-- One row per dated event: hand-kept policy events, option expiries of the newest chain, and the estimated next
-- difficulty adjustment.
with

horizon as (select * from {{ ref('int_calendar__horizon') }}),

hand_kept as (select * from {{ ref('events') }} where known_from <= (select known_until_at from horizon)),

chain as (select * from {{ ref('int_options__open_interest') }}),

estimates as (select * from {{ ref('stg_mempool__difficulty_adjustment') }}),

expiries as (
    select distinct
        cast(expires_at as date) as event_date,
        '08:00' as event_time_utc,
        'option expiry' as kind,
        'Options expire on Deribit' as title,
        'deribit.option_chain' as source
    from chain
    where observed_date = (select max(observed_date) from chain)
),

adjustment as (
    select
        cast(estimated_retarget_at as date) as event_date,
        strftime(estimated_retarget_at, '%H:%M') as event_time_utc,
        'difficulty adjustment' as kind,
        'Difficulty changes by about ' || {{ number_text('difficulty_change_pct') }} || ' % (estimate)' as title,
        'mempool.difficulty_adjustment' as source
    from estimates
    order by observed_at desc
    limit 1
),

unioned as (
    select event_date, event_time_utc, kind, title, source from hand_kept
    union all
    select * from expiries
    union all
    select * from adjustment
)

select * from unioned
