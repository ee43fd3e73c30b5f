-- Identities between settled signals that are computed on different ways through the models. Where a provider took over
-- from another there is none: windows never mix the two.
{{ config(meta={"dagster": {"ref": {"name": "fct_signal_daily"}}}) }}
with

-- The mart names the source of the as-known reading; that of the settled one may be another.
settled as (
    select
        published.signal_date,
        published.signal_id,
        published.value,
        readings.provider,
        readings.method_note
    from {{ ref('fct_signal_daily') }} as published
    join {{ ref('int_signals__readings') }} as readings
        on readings.signal_date = published.signal_date
        and readings.signal_id = published.signal_id
        and readings.knowledge = 'settled'
    where published.value is not null
),

wide as (
    select
        signal_date,
        {%- for signal in [
            'btc_open_usd', 'btc_high_usd', 'btc_low_usd', 'btc_close_usd', 'btc_return_1d_pct', 'funding_rate_8h_pct',
            'funding_rate_annualized_pct', 'atm_iv_7d', 'atm_iv_90d', 'iv_term_slope_7d_90d', 'liquidations_usd',
            'long_liquidations_usd', 'short_liquidations_usd', 'futures_oi_usd', 'futures_oi_btc',
            'futures_oi_change_7d_pct', 'futures_oi_change_30d_usd', 'realized_loss_usd', 'realized_loss_7d_usd',
            'spx_return_5d_pct', 'ixic_return_5d_pct', 'equities_return_5d_pct',
        ] %}
        max(value) filter (where signal_id = '{{ signal }}') as {{ signal }},
        {%- endfor %}
        max(provider) filter (where signal_id = 'btc_close_usd') as price_provider,
        max(provider) filter (where signal_id = 'realized_loss_usd') as loss_provider,
        -- Which venues stand behind an open interest; a change compares the same ones.
        max(method_note) filter (where signal_id = 'futures_oi_usd') as venues_usd,
        max(method_note) filter (where signal_id = 'futures_oi_btc') as venues_btc
    from settled
    group by signal_date
),

dated as (
    select
        today.*,
        yesterday.btc_close_usd as close_before_usd,
        yesterday.price_provider as price_provider_before,
        week_ago.futures_oi_btc as oi_week_ago_btc,
        week_ago.venues_btc as venues_week_ago,
        month_ago.futures_oi_usd as oi_month_ago_usd,
        month_ago.venues_usd as venues_month_ago,
        avg(today.realized_loss_usd) over week as loss_mean_usd,
        count(today.realized_loss_usd) over week as loss_days,
        min(today.loss_provider) over week = max(today.loss_provider) over week as is_one_loss_provider
    from wide as today
    left join wide as yesterday on yesterday.signal_date = today.signal_date - 1
    left join wide as week_ago on week_ago.signal_date = today.signal_date - 7
    left join wide as month_ago on month_ago.signal_date = today.signal_date - 30
    window week as (order by today.signal_date range between interval '6 days' preceding and current row)
),

-- Sums of flows count trading dates, so they are added up over rows.
flows as (
    select
        signal_date,
        sum(value) filter (where signal_id = 'etf_net_flow_usd') as flow_usd,
        max(value) filter (where signal_id = 'etf_net_flow_3d_usd') as flow_3d_usd,
        max(value) filter (where signal_id = 'etf_net_flow_5d_usd') as flow_5d_usd
    from settled
    where signal_id in ('etf_net_flow_usd', 'etf_net_flow_3d_usd', 'etf_net_flow_5d_usd')
    group by signal_date
),

flow_sums as (
    select
        *,
        sum(flow_usd) over (order by signal_date rows between 2 preceding and current row) as three_usd,
        sum(flow_usd) over (order by signal_date rows between 4 preceding and current row) as five_usd,
        -- Sums reach back to readings before the first signal date, which are no rows of this table.
        count(flow_usd) over (order by signal_date rows between unbounded preceding and current row) as flows_known
    from flows
),

identities as (
    select signal_date, 'prices lie between low and high' as identity, 0 as expected,
        greatest(btc_open_usd, btc_close_usd, btc_low_usd) > btc_high_usd
        or least(btc_open_usd, btc_close_usd) < btc_low_usd as found
    from dated
    union all
    select signal_date, 'return over a day', 100 * (btc_close_usd / close_before_usd - 1), btc_return_1d_pct
    from dated
    where price_provider = price_provider_before
    union all
    select signal_date, 'annualised funding', 1095 * funding_rate_8h_pct, funding_rate_annualized_pct
    from dated
    union all
    select signal_date, 'term slope', atm_iv_90d - atm_iv_7d, iv_term_slope_7d_90d
    from dated
    union all
    select signal_date, 'liquidations', long_liquidations_usd + short_liquidations_usd, liquidations_usd
    from dated
    union all
    select signal_date, 'open interest, 7 days', 100 * (futures_oi_btc / oi_week_ago_btc - 1), futures_oi_change_7d_pct
    from dated
    where venues_btc = venues_week_ago
    union all
    select signal_date, 'open interest, 30 days', futures_oi_usd - oi_month_ago_usd, futures_oi_change_30d_usd
    from dated
    where venues_usd = venues_month_ago
    union all
    select signal_date, 'realised loss, 7-day mean', loss_mean_usd, realized_loss_7d_usd
    from dated
    where loss_days = 7
        and is_one_loss_provider
    union all
    select signal_date, 'equities', (spx_return_5d_pct + ixic_return_5d_pct) / 2, equities_return_5d_pct
    from dated
    union all
    select signal_date, 'flows of three trading dates', three_usd, flow_3d_usd
    from flow_sums
    where flows_known >= 3
    union all
    select signal_date, 'flows of five trading dates', five_usd, flow_5d_usd
    from flow_sums
    where flows_known >= 5
)

select * from identities
where abs(cast(found as double) - expected) > 1e-9 * greatest(abs(expected), 1)
