-- One row per date: the regime thresholds in force, one column each, from the rows of scope `regime`.
{%- set names = [
    'fall_day_floor_pct', 'fall_day_deviations', 'fall_low_floor_pct', 'fall_low_deviations', 'fall_low_day_pct',
    'fall_three_days_floor_pct', 'fall_three_days_deviations', 'fall_three_days_day_pct', 'liquidations_percentile',
    'volume_percentile', 'open_interest_percentile', 'open_interest_change_pct', 'realized_loss_percentile',
    'net_pnl_percentile', 'skew_vol_points', 'dvol_change_percentile', 'families_needed', 'relief_floor_pct',
    'relief_deviations', 'relief_days', 'relief_given_back', 'high_distance_pct', 'high_lasts_pct', 'high_age_days',
    'distribution_funding_percentile', 'distribution_leverage_percentile', 'profit_off_peak_pct',
    'net_profit_off_peak_pct', 'recovery_conditions', 'recovery_bulls', 'recovery_bears', 'expansion_days',
    'expansion_bears',
    'bear_drawdown_pct', 'bear_cluster_bears', 'bear_cluster_bulls', 'bear_lasts_level_pct', 'bear_lasts_bears',
    'buckets_needed', 'label_days', 'label_memory_days',
] %}
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

rules as (
    select * from {{ ref('rules') }}
    where scope = 'regime'
        and switched_off_because is null
),

thresholds as (
    select
        dates.signal_date,
        {%- for name in names %}
        max(rules.enter_threshold) filter (where rules.target_id = '{{ name }}') as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from dates
    join rules on dates.signal_date between rules.valid_from and rules.valid_to
    group by dates.signal_date
)

select * from thresholds
