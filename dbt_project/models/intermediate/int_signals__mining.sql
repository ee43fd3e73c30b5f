-- One row per reader, date and mining signal.
with

frame as (
    ({{ frame(['hashprice_usd_ph_day', 'hashrate_ehs'], 60) }})
    union all
    ({{ frame(['difficulty_next_change_pct', 'difficulty_next_in_h', 'difficulty_last_change_pct'], 0) }})
),

wide as (
    select
        knowledge,
        signal_date,
        {{ value_at('hashprice_usd_ph_day') }} as hashprice_usd_ph_day,
        {{ over_days('avg', 'hashprice_usd_ph_day', 0, 6) }} as hashprice_7d_usd_ph_day,
        {{ change_pct(
            over_days('avg', 'hashprice_usd_ph_day', 0, 6), over_days('avg', 'hashprice_usd_ph_day', 14, 20)
        ) }} as hashprice_change_14d_pct,
        {{ over_days('avg', 'hashrate_ehs', 0, 6) }} as hashrate_7d_eh,
        {{ change_pct(over_days('avg', 'hashrate_ehs', 0, 6), over_days('avg', 'hashrate_ehs', 14, 20)) }}
            as hashrate_change_14d_pct,
        {{ over_days('avg', 'hashrate_ehs', 0, 29) }} / nullif({{ over_days('avg', 'hashrate_ehs', 0, 59) }}, 0)
            as hash_ribbon,
        {{ value_at('difficulty_next_change_pct') }} as difficulty_next_change_pct,
        {{ value_at('difficulty_next_in_h') }} as difficulty_next_in_h,
        {{ value_at('difficulty_last_change_pct') }} as difficulty_last_change_pct
    from frame
    group by knowledge, signal_date
),

long as ({{ signals_long('wide') }})

select * from long
