-- Staging shows each key as one version at a time: no part of a key is null, no two versions are open, none overlap.
-- depends_on: {{ ref('int_observations__unioned') }}
{{ config(meta={"dagster": {"ref": {"name": "int_observations__unioned"}}}) }}
{%- set keys = {
    'stg_bgeometrics__net_realized_pnl': ['observed_date'],
    'stg_bgeometrics__ratio': ['metric', 'observed_date'],
    'stg_bgeometrics__realized_price': ['observed_date'],
    'stg_binance__funding_rate': ['symbol', 'settled_at'],
    'stg_binance__open_interest': ['symbol', 'observed_at'],
    'stg_binance__perp_candle_1d': ['symbol', 'opened_at'],
    'stg_binance__spot_candle_1d': ['symbol', 'opened_at'],
    'stg_binance__spot_candle_1h': ['symbol', 'opened_at'],
    'stg_binance_vision__funding_rate': ['symbol', 'settled_at'],
    'stg_binance_vision__metrics': ['symbol', 'observed_at'],
    'stg_binance_vision__perp_candle_1d': ['symbol', 'opened_at'],
    'stg_binance_vision__perp_candle_1h': ['symbol', 'opened_at'],
    'stg_binance_vision__spot_candle_1d': ['symbol', 'opened_at'],
    'stg_binance_vision__spot_candle_1h': ['symbol', 'opened_at'],
    'stg_bitfinex__liquidation': ['position_id', 'liquidated_at'],
    'stg_bitfinex__open_interest': ['symbol', 'observed_at'],
    'stg_bitmex__funding_rate': ['symbol', 'settled_at'],
    'stg_bitmex__open_interest': ['symbol', 'observed_at'],
    'stg_bitstamp__spot_candle_1d': ['symbol', 'opened_at'],
    'stg_bitview__hashprice': ['observed_date'],
    'stg_bitview__realized_price': ['series_name', 'observed_date'],
    'stg_bitview__series': ['series_name', 'observed_date'],
    'stg_bitview__urpd': ['observed_date', 'price_low_usd'],
    'stg_blockchain__difficulty': ['observed_date'],
    'stg_blockchain__hashrate': ['observed_date'],
    'stg_blockchain__miner_revenue': ['observed_date'],
    'stg_blockchain__mvrv': ['observed_date'],
    'stg_braiins__hashrate_stat': ['observed_at'],
    'stg_bybit__funding_rate': ['symbol', 'settled_at'],
    'stg_bybit__open_interest': ['symbol', 'observed_at'],
    'stg_cboe__vix': ['observed_date'],
    'stg_cftc__position': ['contract_code', 'observed_date'],
    'stg_coinbase__spot_candle_1d': ['symbol', 'opened_at'],
    'stg_coinbase__spot_candle_1h': ['symbol', 'opened_at'],
    'stg_coinglass__funding_rate': ['symbol', 'observed_date'],
    'stg_coinglass__etf_flow': ['trade_date', 'fund'],
    'stg_coinglass__liquidation': ['symbol', 'observed_date'],
    'stg_coinglass__open_interest': ['symbol', 'observed_date'],
    'stg_coinmetrics__asset_metric': ['observed_date'],
    'stg_deribit__dvol': ['opened_at'],
    'stg_deribit__funding_rate': ['symbol', 'settled_at'],
    'stg_deribit__future_summary': ['symbol', 'observed_at'],
    'stg_deribit__option_chain': ['snapshot_at', 'instrument_name'],
    'stg_deribit__option_trade': ['trade_id'],
    'stg_farside__etf_flow': ['trade_date', 'fund'],
    'stg_fred__observation': ['series_id', 'observed_date'],
    'stg_glassnode__futures_open_interest': ['observed_date'],
    'stg_glassnode__hashrate': ['observed_date'],
    'stg_glassnode__metric': ['metric', 'observed_date'],
    'stg_glassnode__net_realized_pnl': ['observed_date'],
    'stg_glassnode__ratio': ['metric', 'observed_date'],
    'stg_glassnode__urpd': ['observed_date', 'price_low_usd'],
    'stg_hyperliquid__funding_rate': ['symbol', 'settled_at'],
    'stg_hyperliquid__open_interest': ['symbol', 'observed_at'],
    'stg_kraken__spot_candle_1d': ['symbol', 'opened_at'],
    'stg_kraken_futures__funding_rate': ['symbol', 'settled_at'],
    'stg_kraken_futures__open_interest': ['symbol', 'observed_at'],
    'stg_luxor__hashprice': ['priced_at'],
    'stg_mempool__block': ['height', 'block_hash'],
    'stg_mempool__block_fee': ['group_at'],
    'stg_mempool__block_reward': ['group_at'],
    'stg_mempool__difficulty_adjustment': ['observed_at'],
    'stg_mempool__hashrate': ['observed_date'],
    'stg_mempool__price': ['priced_at'],
    'stg_mempool__retarget': ['height'],
    'stg_mempool__reward_stat': ['observed_at'],
    'stg_okx__funding_rate': ['symbol', 'settled_at'],
    'stg_okx__liquidation': ['symbol', 'liquidated_at', 'position_side', 'price_usd', 'amount_btc'],
    'stg_okx__open_interest': ['symbol', 'observed_at'],
    'stg_okx__perp_candle_1d': ['symbol', 'opened_at'],
    'stg_okx__perp_candle_1h': ['symbol', 'opened_at'],
    'stg_okx__spot_candle_1d': ['symbol', 'opened_at'],
    'stg_sosovalue__etf_flow': ['trade_date'],
    'stg_treasury__par_yield': ['quote_date', 'tenor'],
    'stg_treasury__real_yield': ['quote_date', 'tenor'],
    'stg_yahoo__daily_bar': ['symbol', 'observed_date'],
} %}
with

broken as (
    {%- for model, key in keys.items() %}
    select
        '{{ model }}' as model,
        to_json(versions) as version
    from ({{ overlapping_versions(ref(model), key) }}) as versions
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from broken
