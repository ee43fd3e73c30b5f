-- One row per reader, date and price signal.
with

closes as ({{ frame(['btc_close_usd'], 91) }}),

frame as (
    select
        *,
        lead(value) over (partition by knowledge, signal_date order by days_back) as previous_value
    from closes
    union all by name
    ({{ frame(['btc_high_usd', 'spot_volume_btc'], 91) }})
    union all by name
    ({{ frame(['btc_open_usd', 'btc_low_usd', 'spot_perp_volume_ratio', 'coinbase_premium_bps', 'taker_buy_share_pct'],
        6) }})
),

levels as (select * from {{ ref('int_level__in_use') }}),

wide as (
    select
        knowledge,
        signal_date,
        {{ value_at('btc_open_usd') }} as btc_open_usd,
        {{ value_at('btc_high_usd') }} as btc_high_usd,
        {{ value_at('btc_low_usd') }} as btc_low_usd,
        {{ value_at('btc_close_usd') }} as btc_close_usd,
        {{ change_pct(value_at('btc_close_usd', 0), value_at('btc_close_usd', 1)) }} as btc_return_1d_pct,
        {{ change_pct(value_at('btc_close_usd', 0), value_at('btc_close_usd', 3)) }} as btc_return_3d_pct,
        {{ change_pct(value_at('btc_low_usd', 0), value_at('btc_close_usd', 1)) }} as btc_low_to_previous_close_pct,
        {{ change_pct(value_at('btc_close_usd', 0), over_days('min', 'btc_low_usd', 0, 6)) }}
            as btc_rebound_from_low_pct,
        {{ change_pct(value_at('btc_close_usd', 0), over_days('max', 'btc_high_usd', 0, 89)) }}
            as drawdown_from_90d_high_pct,
        {{ change_pct(value_at('btc_close_usd', 0), over_days('avg', 'btc_close_usd', 0, 29)) }}
            as btc_close_to_30d_mean_pct,
        100 * sqrt(365) * {{ over_days('stddev_samp', 'btc_close_usd', 0, 29, 'ln(value / previous_value)') }}
            as realized_vol_30d,
        -- The yardstick of the regimes: the 30 days before, today excluded.
        100 * {{ over_days('stddev_samp', 'btc_close_usd', 1, 30, 'value / previous_value - 1') }}
            as btc_return_stddev_30d_pct,
        {{ value_at('spot_volume_btc') }} / nullif({{ over_days('avg', 'spot_volume_btc', 1, 90) }}, 0)
            as spot_volume_ratio_90d,
        {{ value_at('spot_perp_volume_ratio') }} as spot_perp_volume_ratio,
        {{ value_at('coinbase_premium_bps') }} as coinbase_premium_bps,
        {{ value_at('taker_buy_share_pct') }} as taker_buy_share_pct
    from frame
    group by knowledge, signal_date
),

-- Days of the last seven that traded above the level and closed below it.
daily_tests as (
    select
        frame.knowledge,
        frame.signal_date,
        frame.days_back,
        max(frame.value) filter (where frame.series_id = 'btc_high_usd') > any_value(levels.level_usd)
        and max(frame.value) filter (where frame.series_id = 'btc_close_usd') < any_value(levels.level_usd) as is_test
    from frame
    join levels on levels.signal_date = frame.signal_date
    where frame.days_back between 0 and 6
        and levels.level_usd is not null
    group by frame.knowledge, frame.signal_date, frame.days_back
),

tests as (
    select
        knowledge,
        signal_date,
        cast(count(*) filter (where is_test) as double) as level_test_count_7d
    from daily_tests
    group by knowledge, signal_date
),

against_level as (
    select
        wide.knowledge,
        wide.signal_date,
        {{ change_pct('wide.btc_close_usd', 'levels.level_usd') }} as btc_close_to_level_pct
    from wide
    join levels on levels.signal_date = wide.signal_date
),

long as (
    {{ signals_long('wide') }}
    union all
    {{ signals_long('tests') }}
    union all
    {{ signals_long('against_level') }}
)

select * from long
