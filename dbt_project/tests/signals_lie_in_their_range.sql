-- Readings that no market has ever shown are a unit gone wrong: 61 instead of 61 bn, a fraction instead of percent.
{{ config(meta={"dagster": {"ref": {"name": "fct_signal_daily"}}}) }}
with

readings as (select * from {{ ref('fct_signal_daily') }}),

signals as (select * from {{ ref('signals') }}),

ranges as (
    select * from (values
        ('btc_(open|high|low|close)_usd', 1, 1e7),
        ('(btc|spx|ixic|dji|sox|gold|silver|dxy)_return_\dd_pct', -75, 150),
        ('funding_rate_8h_pct', -0.75, 0.75),
        ('(funding_positive_venue|taker_buy|put_oi_peak|put_oi_below_level|put_premium)_share(_3d)?_pct', 0, 100),
        ('supply_in_loss_pct|prob_\w+_pct', 0, 100),
        ('funding_sign_flips_7d', 0, 168),
        ('level_test_count_7d', 0, 7),
        ('funding_positive_streak_h|etf_outflow_streak_d', 0, 1e5),
        ('futures_basis_annualized_pct', -100, 200),
        ('rr25_\d+d', -150, 150),
        ('atm_iv_\d+d|dvol|vix', 1, 500),
        ('put_premium_readings_3d', 1, 3),
        ('put_call_oi_ratio', 0.01, 100),
        ('futures_oi_usd', 1e6, 1e13),
        ('futures_oi_btc', 1e2, 1e8),
        ('oi_to_market_cap_pct', 0, 100),
        ('(long_|short_)?liquidations_usd', 0, 1e12),
        ('etf_net_flow_usd', -20e9, 20e9),
        ('etf_net_flow_\w*bp', -1000, 1000),
        ('realized_loss(_7d)?_usd|realized_profit_7d_usd', 0, 1e12),
        ('mvrv|sopr', 0.05, 50),
        ('cost_basis_cluster_(low|high)_usd|put_oi_peak_strike_(low|high)', 1, 1e7),
        ('hashprice_(7d_)?usd_ph_day', 1, 1e6),
        ('hashrate_7d_eh', 0.001, 1e5),
        ('hash_ribbon', 0.2, 5),
        -- The protocol clamps an adjustment at a quarter and at four times.
        ('difficulty_(last|next)_change_pct', -75, 300),
        ('difficulty_next_in_h', 0, 24 * 56),
        ('\w+_corr_30d', -1, 1),
        ('ust2y_pct|ust10y_pct|real10y_pct', -5, 25)
    ) as ranges (signals, lowest, highest)
),

ranges_of_signals as (
    select
        signals.signal_id,
        ranges.lowest,
        ranges.highest
    from signals
    join ranges on regexp_full_match(signals.signal_id, ranges.signals)
),

outside as (
    select
        readings.signal_date,
        readings.signal_id,
        readings.value,
        readings.value_as_known,
        ranges.lowest,
        ranges.highest
    from readings
    join ranges_of_signals as ranges on readings.signal_id = ranges.signal_id
    where readings.value < ranges.lowest
        or readings.value > ranges.highest
        or readings.value_as_known < ranges.lowest
        or readings.value_as_known > ranges.highest
)

select * from outside
