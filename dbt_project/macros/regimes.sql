{# The signals that regimes read by their value, and those that they read by their percentile of a year. #}
{% macro regime_values() %}
    {{ return([
        'btc_high_usd', 'btc_low_usd', 'btc_close_usd', 'btc_return_1d_pct', 'btc_return_3d_pct',
        'btc_low_to_previous_close_pct', 'btc_return_stddev_30d_pct', 'btc_close_to_30d_mean_pct',
        'drawdown_from_90d_high_pct', 'btc_close_to_level_pct', 'rr25_30d', 'etf_net_flow_5d_usd',
        'realized_profit_7d_usd', 'net_realized_pnl_7d_usd',
    ]) }}
{% endmacro %}

{% macro regime_percentiles() %}
    {{ return([
        'liquidations_usd', 'spot_volume_ratio_90d', 'realized_loss_usd', 'net_realized_pnl_7d_usd', 'sopr',
        'dvol_change_1d', 'funding_rate_8h_pct', 'oi_to_market_cap_pct',
    ]) }}
{% endmacro %}

{# Open interest in bitcoin where venues state it, else in dollars. #}
{% macro regime_open_interest() %}
    {{ return(['futures_oi_change_3d_pct', 'futures_oi_change_3d_usd_pct']) }}
{% endmacro %}
