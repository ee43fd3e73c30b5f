-- One row per reader, date and ETF-flow signal. Windows count trading dates that are known, not calendar days; basis
-- points are of the market capitalisation that is known.
with

frame as ({{ numbered_frame(['etf_net_flow_usd', 'market_cap_usd'], 60) }}),

wide as (
    select
        knowledge,
        signal_date,
        {{ reading('etf_net_flow_usd') }} as etf_net_flow_usd,
        {{ over_readings('sum', 'etf_net_flow_usd', 1, 3) }} as etf_net_flow_3d_usd,
        {{ over_readings('sum', 'etf_net_flow_usd', 1, 5) }} as etf_net_flow_5d_usd,
        {{ over_readings('sum', 'etf_net_flow_usd', 1, 5) }} - {{ over_readings('sum', 'etf_net_flow_usd', 6, 10) }}
            as etf_net_flow_5d_change_usd,
        cast(coalesce(
            min(reading_number) filter (where series_id = 'etf_net_flow_usd' and value >= 0) - 1,
            count(*) filter (where series_id = 'etf_net_flow_usd')
        ) as double) as etf_outflow_streak_d,
        1e4 * etf_net_flow_usd / nullif({{ value_at('market_cap_usd') }}, 0) as etf_net_flow_bp,
        1e4 * etf_net_flow_3d_usd / nullif({{ value_at('market_cap_usd') }}, 0) as etf_net_flow_3d_bp,
        1e4 * etf_net_flow_5d_usd / nullif({{ value_at('market_cap_usd') }}, 0) as etf_net_flow_5d_bp
    from frame
    group by knowledge, signal_date
    having count(*) filter (where series_id = 'etf_net_flow_usd') > 0
),

newest as (
    select
        knowledge,
        signal_date,
        max(observed_date) as observed_date
    from frame
    where series_id = 'etf_net_flow_usd'
    group by knowledge, signal_date
),

-- The month of the newest reading, so that a month's first days do not show an empty sum.
month_to_date as (
    select
        frame.knowledge,
        frame.signal_date,
        sum(frame.value order by frame.observed_date) as etf_net_flow_mtd_usd
    from frame
    join newest on newest.knowledge = frame.knowledge and newest.signal_date = frame.signal_date
    where frame.series_id = 'etf_net_flow_usd'
        and date_trunc('month', frame.observed_date) = date_trunc('month', newest.observed_date)
    group by frame.knowledge, frame.signal_date
),

long as (
    {{ signals_long('wide') }}
    union all
    {{ signals_long('month_to_date') }}
)

select * from long
