-- One row per reader, date and on-chain signal.
with

frame as (
    {{ frame(['realized_loss_usd', 'realized_profit_usd', 'market_cap_usd', 'mvrv', 'sopr', 'supply_in_loss_pct',
        'cost_basis_cluster_low_usd', 'cost_basis_cluster_high_usd'], 6) }}
),

-- A seven-day mean and its extreme of ninety days.
long_frame as ({{ frame(['realized_loss_usd', 'realized_cap_usd', 'issuance_usd'], 97) }}),

-- The seven-day mean ending on each day of the frame; null unless all seven days are there.
rolling as (
    select
        knowledge,
        signal_date,
        days_back,
        max(value) filter (where series_id = 'realized_loss_usd') as realized_loss_usd,
        max(value) filter (where series_id = 'realized_cap_usd') as realized_cap_usd,
        max(value) filter (where series_id = 'issuance_usd') as issuance_usd
    from long_frame
    group by knowledge, signal_date, days_back
),

means as (
    select
        knowledge,
        signal_date,
        days_back,
        case when count(realized_loss_usd) over week = 7 then list_avg(list(realized_loss_usd) over week) end
            as realized_loss_7d_usd,
        case
            when count(issuance_usd) over week = 7
                then (realized_cap_usd - lead(realized_cap_usd, 7) over newest_first) / 7
                    - list_avg(list(issuance_usd) over week)
        end as net_realized_pnl_7d_usd
    from rolling
    window
        newest_first as (partition by knowledge, signal_date order by days_back),
        week as (
            partition by knowledge, signal_date order by days_back range between current row and 6 following
        )
),

peaks as (
    select
        knowledge,
        signal_date,
        max(realized_loss_7d_usd) filter (where days_back = 0) as realized_loss_7d_usd,
        case when count(realized_loss_7d_usd) >= 60 then max(realized_loss_7d_usd) end as realized_loss_7d_peak_usd,
        max(net_realized_pnl_7d_usd) filter (where days_back = 0) as net_realized_pnl_7d_usd,
        case when count(net_realized_pnl_7d_usd) >= 60 then min(net_realized_pnl_7d_usd) end
            as net_realized_pnl_worst_usd
    from means
    where days_back <= 89
    group by knowledge, signal_date
),

wide as (
    select
        frame.knowledge,
        frame.signal_date,
        {{ value_at('realized_loss_usd') }} as realized_loss_usd,
        any_value(peaks.realized_loss_7d_usd) as realized_loss_7d_usd,
        {{ over_days('avg', 'realized_profit_usd', 0, 6) }} as realized_profit_7d_usd,
        {{ over_days('avg', 'realized_profit_usd', 0, 6) }} / nullif(any_value(peaks.realized_loss_7d_usd), 0)
            as realized_pnl_ratio_7d,
        any_value(peaks.net_realized_pnl_7d_usd) as net_realized_pnl_7d_usd,
        100 * (any_value(peaks.realized_loss_7d_usd / nullif(peaks.realized_loss_7d_peak_usd, 0)) - 1)
            as realized_loss_from_peak_pct,
        -- 100 = at the worst of 90 days, 0 = no net loss in that time.
        any_value(case
            when peaks.net_realized_pnl_worst_usd >= 0 then 0
            else 100 * peaks.net_realized_pnl_7d_usd / peaks.net_realized_pnl_worst_usd
        end) as net_realized_pnl_to_worst_pct,
        1e4 * any_value(peaks.realized_loss_7d_usd) / nullif({{ value_at('market_cap_usd') }}, 0)
            as realized_loss_7d_bp,
        1e4 * any_value(peaks.net_realized_pnl_7d_usd) / nullif({{ value_at('market_cap_usd') }}, 0)
            as net_realized_pnl_7d_bp,
        {{ value_at('mvrv') }} as mvrv,
        {{ value_at('sopr') }} as sopr,
        {{ value_at('supply_in_loss_pct') }} as supply_in_loss_pct,
        {{ value_at('cost_basis_cluster_low_usd') }} as cost_basis_cluster_low_usd,
        {{ value_at('cost_basis_cluster_high_usd') }} as cost_basis_cluster_high_usd
    from frame
    left join peaks on peaks.knowledge = frame.knowledge and peaks.signal_date = frame.signal_date
    group by frame.knowledge, frame.signal_date
),

long as ({{ signals_long('wide') }})

select * from long
