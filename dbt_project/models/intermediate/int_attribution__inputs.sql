-- One row per closed day that has a return: the return, and what may have moved with it, each as known at the day's
-- cut-off and of that very day. A figure that was not out by then is null, however soon it came.
with

frame as (
    ({{ numbered_frame(['ixic_close', 'gold_close', 'dxy_close'], 7) }})
    union all by name
    ({{ frame(['btc_close_usd', 'futures_oi_change_1d_pct', 'long_liquidations_usd', 'short_liquidations_usd',
        'funding_rate_8h_pct', 'futures_basis_annualized_pct', 'spot_perp_volume_ratio', 'taker_buy_share_pct',
        'coinbase_premium_bps', 'etf_net_flow_usd'], 1) }})
),

-- Market capitalisation comes a day or more late; it changes slowly, so the newest known one is the yardstick.
yardstick as ({{ frame(['market_cap_usd'], 0) }}),

calendar as (select * from {{ ref('int_calendar__signal_dates') }}),

own_day as (
    select * from frame
    where knowledge = 'as_known'
        and signal_date - observed_date = days_back
),

readings as (
    select
        signal_date,
        {{ value_at('btc_close_usd', 1) }} as previous_close_usd,
        {{ change_pct(value_at('btc_close_usd'), value_at('btc_close_usd', 1)) }} as return_pct,
        {{ change_pct(reading('ixic_close'), reading('ixic_close', 2)) }} as equities_return_pct,
        {{ change_pct(reading('gold_close'), reading('gold_close', 2)) }} as gold_return_pct,
        {{ change_pct(reading('dxy_close'), reading('dxy_close', 2)) }} as dollar_return_pct,
        -- Counted in bitcoin only. In dollars it moves with the price by itself, and divided by a price of another hour
        -- it moves against it: either would explain the return by the return.
        {{ value_at('futures_oi_change_1d_pct') }} as oi_change_pct,
        {{ value_at('long_liquidations_usd') }} as long_liquidations_usd,
        {{ value_at('short_liquidations_usd') }} as short_liquidations_usd,
        {{ value_at('funding_rate_8h_pct') }} - {{ value_at('funding_rate_8h_pct', 1) }} as funding_change_pct,
        {{ value_at('futures_basis_annualized_pct') }} - {{ value_at('futures_basis_annualized_pct', 1) }}
            as basis_change_pct,
        {{ value_at('spot_perp_volume_ratio') }} as spot_perp_volume_ratio,
        {{ value_at('taker_buy_share_pct') }} as taker_buy_share_pct,
        {{ value_at('coinbase_premium_bps') }} - {{ value_at('coinbase_premium_bps', 1) }}
            as coinbase_premium_change_bps,
        {{ value_at('etf_net_flow_usd') }} as etf_net_flow_usd
    from own_day
    group by signal_date
),

scaled as (
    select
        readings.signal_date,
        not calendar.is_us_trading_day as is_exchange_closed,
        readings.return_pct,
        readings.equities_return_pct,
        readings.gold_return_pct,
        readings.dollar_return_pct,
        readings.oi_change_pct,
        -- Long and short liquidations are both high on a wild day, so their difference counts: positive when more
        -- shorts were closed by force. Of a quantity with such tails the root is what the price moves with.
        sign(readings.short_liquidations_usd - readings.long_liquidations_usd)
        * sqrt(abs(readings.short_liquidations_usd - readings.long_liquidations_usd) / readings.previous_close_usd)
            as net_liquidations_root,
        readings.funding_change_pct,
        readings.basis_change_pct,
        100 * readings.spot_perp_volume_ratio / (1 + readings.spot_perp_volume_ratio) as spot_volume_share_pct,
        readings.taker_buy_share_pct,
        readings.coinbase_premium_change_bps,
        1e4 * readings.etf_net_flow_usd / nullif(yardstick.value, 0) as etf_net_flow_bp
    from readings
    join calendar on calendar.signal_date = readings.signal_date
    left join yardstick on yardstick.signal_date = readings.signal_date and yardstick.knowledge = 'as_known'
    where readings.return_pct is not null
)

select * from scaled
