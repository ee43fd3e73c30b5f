-- One row per date: the readings that regimes are made of, as known at the cut-off; a reading that is not fresh is
-- null.
{%- set values = regime_values() %}
{%- set percentiles = regime_percentiles() %}
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

readings as (select * from {{ ref('int_signals__as_known') }} where is_fresh),

levels as (select * from {{ ref('int_level__in_use') }}),

wide as (
    select
        dates.signal_date,
        {%- for signal in values %}
        max(readings.value) filter (where readings.signal_id = '{{ signal }}') as {{ signal }},
        {%- endfor %}
        {%- for signal in percentiles %}
        max(readings.percentile_365d) filter (where readings.signal_id = '{{ signal }}') as {{ signal }}_percentile,
        max(readings.observed_date) filter (where readings.signal_id = '{{ signal }}') as {{ signal }}_date,
        {%- endfor %}
        max(readings.observed_date) filter (where readings.signal_id = 'rr25_30d') as rr25_30d_date,
        max(readings.observed_date) filter (where readings.signal_id = 'btc_close_usd') as btc_close_date,
        -- Open interest in bitcoin where venues state it, else in dollars: never one's change with the other's rank.
        coalesce(
            max(readings.value) filter (where readings.signal_id = 'futures_oi_change_3d_pct'),
            max(readings.value) filter (where readings.signal_id = 'futures_oi_change_3d_usd_pct')
        ) as open_interest_change_3d_pct,
        case
            when max(readings.value) filter (where readings.signal_id = 'futures_oi_change_3d_pct') is not null
                then max(readings.percentile_365d) filter (where readings.signal_id = 'futures_oi_change_3d_pct')
            else max(readings.percentile_365d) filter (where readings.signal_id = 'futures_oi_change_3d_usd_pct')
        end as open_interest_change_3d_percentile,
        max(readings.observed_date) filter (
            where readings.signal_id in ('futures_oi_change_3d_pct', 'futures_oi_change_3d_usd_pct')
        ) as open_interest_change_date
    from dates
    left join readings on readings.signal_date = dates.signal_date
    group by dates.signal_date
),

-- The price's own past, as it was known day by day.
with_past as (
    select
        wide.*,
        levels.level_usd,
        levels.cluster_low_usd,
        levels.cluster_high_usd,
        levels.cluster_source,
        max(wide.btc_high_usd) over year as high_365d_usd,
        arg_max(wide.signal_date, wide.btc_high_usd) over year as high_365d_date,
        count(wide.btc_close_usd) over year as days_365d,
        max(wide.realized_profit_7d_usd) over quarter as realized_profit_peak_usd,
        max(wide.net_realized_pnl_7d_usd) over quarter as net_realized_pnl_peak_usd,
        -- Past closes against today's cluster: a move of the level neither makes nor breaks a streak.
        list(wide.btc_close_usd) filter (where wide.btc_close_usd is not null) over three_days as closes_3d,
        len(list_filter(closes_3d, lambda close: close < levels.cluster_low_usd)) as closes_below_cluster_3d,
        len(list_filter(closes_3d, lambda close: close >= levels.cluster_low_usd)) as closes_in_cluster_3d
    from wide
    join levels on levels.signal_date = wide.signal_date
    window
        year as (order by wide.signal_date range between interval '364 days' preceding and current row),
        quarter as (order by wide.signal_date range between interval '89 days' preceding and current row),
        three_days as (order by wide.signal_date range between interval '2 days' preceding and current row)
)

select * exclude (closes_3d) from with_past
