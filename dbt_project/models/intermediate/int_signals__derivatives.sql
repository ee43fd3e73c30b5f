-- One row per reader, date and derivatives signal.
with

frame as (
    {{ frame(['funding_rate_8h_pct', 'funding_positive_venue_share_pct', 'funding_positive_streak_h',
        'funding_sign_flips_7d', 'futures_basis_annualized_pct'], 0) }}
),

wide as (
    select
        knowledge,
        signal_date,
        {{ value_at('funding_rate_8h_pct') }} as funding_rate_8h_pct,
        3 * 365 * {{ value_at('funding_rate_8h_pct') }} as funding_rate_annualized_pct,
        {{ value_at('funding_positive_venue_share_pct') }} as funding_positive_venue_share_pct,
        {{ value_at('funding_positive_streak_h') }} as funding_positive_streak_h,
        {{ value_at('funding_sign_flips_7d') }} as funding_sign_flips_7d,
        {{ value_at('futures_basis_annualized_pct') }} as futures_basis_annualized_pct
    from frame
    group by knowledge, signal_date
),

long as ({{ signals_long('wide') }})

select * from long
