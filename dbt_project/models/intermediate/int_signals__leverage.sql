-- One row per reader, date and leverage signal.
with

frame as (
    {{ frame(['futures_oi_usd', 'futures_oi_btc', 'futures_oi_change_3d_pct', 'futures_oi_change_7d_pct',
        'futures_oi_change_30d_pct', 'futures_oi_change_3d_usd_pct', 'futures_oi_change_7d_usd_pct',
        'futures_oi_change_30d_usd', 'long_liquidations_usd', 'short_liquidations_usd', 'liquidations_usd',
        'market_cap_usd'], 0) }}
),

wide as (
    select
        knowledge,
        signal_date,
        {%- for series in ['futures_oi_usd', 'futures_oi_btc', 'futures_oi_change_3d_pct', 'futures_oi_change_7d_pct',
            'futures_oi_change_30d_pct', 'futures_oi_change_3d_usd_pct', 'futures_oi_change_7d_usd_pct',
            'futures_oi_change_30d_usd', 'long_liquidations_usd', 'short_liquidations_usd', 'liquidations_usd'] %}
        {{ value_at(series) }} as {{ series }},
        {%- endfor %}
        100 * {{ value_at('futures_oi_usd') }} / nullif({{ value_at('market_cap_usd') }}, 0) as oi_to_market_cap_pct
    from frame
    group by knowledge, signal_date
),

long as ({{ signals_long('wide') }})

select * from long
