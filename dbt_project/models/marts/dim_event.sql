-- One row per dated event: hand-kept policy events, option expiries of the newest chain, the estimated next difficulty
-- adjustment, and meetings and releases as their newest calendar lists them: what it no longer lists was moved.
with

horizon as (select * from {{ ref('int_calendar__horizon') }}),

hand_kept as (select * from {{ ref('events') }} where known_from <= (select known_until_at from horizon)),

chain as (select * from {{ ref('int_options__open_interest') }} where venue = 'deribit'),

estimates as (select * from {{ source('staging', 'stg_mempool__difficulty_adjustment') }}),

meetings as (select * from {{ source('staging', 'stg_fed__fomc_meeting') }}),

releases as (select * from {{ source('staging', 'stg_bls__release') }}),

expiries as (
    select distinct
        cast(expiry_time as date) as event_date,
        '08:00' as event_time_utc,
        'option expiry' as kind,
        'Options expire on Deribit' as title,
        'Deribit 期权到期' as title_zh,
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
        '难度预计调整约 ' || {{ number_text('difficulty_change_pct') }} || ' %（估算）' as title_zh,
        'mempool.difficulty_adjustment' as source
    from estimates
    order by observed_at desc
    limit 1
),

decisions as (
    select
        cast(decided_at as date) as event_date,
        strftime(decided_at, '%H:%M') as event_time_utc,
        'FOMC' as kind,
        case
            when kind <> 'meeting' then 'Federal Reserve: ' || kind
            when has_projections then 'Federal Reserve decides on rates, with projections'
            else 'Federal Reserve decides on rates'
        end as title,
        case
            when kind <> 'meeting' then '美联储其他会议'
            when has_projections then '美联储公布利率决议，附经济预测'
            else '美联储公布利率决议'
        end as title_zh,
        'fed.fomc_meeting' as source
    from meetings
    where listed_on = (select max(listed_on) from meetings) and known_until is null
),

statistics as (
    select
        cast(released_at as date) as event_date,
        strftime(released_at, '%H:%M') as event_time_utc,
        case when release = 'Consumer Price Index' then 'CPI' else 'US statistics' end as kind,
        'US ' || release as title,
        case release
            when 'Consumer Price Index' then '美国消费者价格指数（CPI）'
            when 'Producer Price Index' then '美国生产者价格指数（PPI）'
            when 'Employment Situation' then '美国非农就业报告'
        end as title_zh,
        'bls.release' as source
    from releases
    where listed_on = (select max(listed_on) from releases) and known_until is null
),

unioned as (
    select event_date, event_time_utc, kind, title, title_zh, source from hand_kept
    union all
    select * from expiries
    union all
    select * from adjustment
    union all
    select * from decisions
    union all
    select * from statistics
)

select
    event_date,
    event_time_utc,
    kind,
    title,
    title_zh,
    source
from unioned
