-- One row per reader, date and option signal. What depends on the level is read against the level in use on that date.
with

frame as (
    {{ frame(['rr25_7d', 'rr25_30d', 'rr25_90d', 'bf25_30d', 'atm_iv_7d', 'atm_iv_30d', 'atm_iv_90d', 'atm_iv_180d',
        'iv_term_slope_7d_90d', 'dvol', 'put_call_oi_ratio', 'put_oi_peak_strike_low', 'put_oi_peak_strike_high',
        'put_oi_peak_share_pct'], 1) }}
),

premiums as ({{ frame(['put_premium_share_pct'], 2) }}),

premium as (
    select
        knowledge,
        signal_date,
        {{ value_at('put_premium_share_pct') }} as put_premium_share_pct,
        median(value) as put_premium_share_3d_pct,
        cast(count(*) as double) as put_premium_readings_3d
    from premiums
    group by knowledge, signal_date
),

in_use as (select * from {{ ref('int_series__in_use') }} where series_id = 'put_call_oi_ratio'),

levels as (select * from {{ ref('int_level__in_use') }}),

snapshots as (select * from {{ ref('int_options__daily_snapshots') }}),

monthly as (select * from {{ ref('int_options__monthly_expiry') }}),

open_interest as (select * from {{ ref('int_options__open_interest') }}),

probabilities as (select * from {{ source('analytics', 'implied_probability') }} where horizon_days = 21),

wide as (
    select
        knowledge,
        signal_date,
        {%- for series in ['rr25_7d', 'rr25_30d', 'rr25_90d', 'bf25_30d', 'atm_iv_7d', 'atm_iv_30d', 'atm_iv_90d',
            'atm_iv_180d', 'iv_term_slope_7d_90d', 'put_call_oi_ratio', 'put_oi_peak_strike_low',
            'put_oi_peak_strike_high', 'put_oi_peak_share_pct', 'dvol'] %}
        {{ value_at(series) }} as {{ series }},
        {%- endfor %}
        {{ value_at('dvol', 0) }} - {{ value_at('dvol', 1) }} as dvol_change_1d
    from frame
    group by knowledge, signal_date
),

read_at as (
    select
        in_use.knowledge,
        in_use.signal_date,
        snapshots.venue,
        snapshots.observed_date,
        snapshots.snapshot_time,
        levels.level_usd
    from in_use
    join snapshots on snapshots.venue = in_use.provider and snapshots.observed_date = in_use.observed_date
    left join levels on levels.signal_date = in_use.signal_date
),

below_level as (
    select
        read_at.knowledge,
        read_at.signal_date,
        sum(open_interest.open_interest_btc order by open_interest.strike_usd)
            filter (where open_interest.option_type = 'P') as puts_btc,
        sum(open_interest.open_interest_btc order by open_interest.strike_usd)
            filter (where open_interest.option_type = 'P' and open_interest.strike_usd < read_at.level_usd)
            as puts_below_btc,
        sum(open_interest.open_interest_btc order by open_interest.strike_usd)
            filter (where open_interest.option_type = 'C' and open_interest.strike_usd < read_at.level_usd)
            as calls_below_btc
    from read_at
    join monthly on monthly.venue = read_at.venue and monthly.observed_date = read_at.observed_date
    join open_interest
        on open_interest.venue = monthly.venue
        and open_interest.observed_date = monthly.observed_date
        and open_interest.expiry_time = monthly.expiry_time
    where read_at.level_usd is not null
    group by read_at.knowledge, read_at.signal_date
),

below_level_shares as (
    select
        knowledge,
        signal_date,
        100 * puts_below_btc / nullif(puts_btc, 0) as put_oi_below_level_share_pct,
        puts_below_btc / nullif(calls_below_btc, 0) as put_call_oi_below_level_ratio
    from below_level
),

-- Linear between the two strikes of the grid around the price asked for, never beyond the grid.
asked as (
    select
        knowledge,
        signal_date,
        venue,
        snapshot_time,
        unnest(['level', '60000', '50000']) as name,
        unnest([level_usd, 60000, 50000]) as price_usd
    from read_at
),

bracketed as (
    select
        asked.knowledge,
        asked.signal_date,
        asked.name,
        any_value(asked.price_usd) as price_usd,
        max(probabilities.strike_usd) filter (where probabilities.strike_usd <= asked.price_usd) as strike_below_usd,
        max_by(probabilities.prob_below_pct, probabilities.strike_usd)
            filter (where probabilities.strike_usd <= asked.price_usd) as below_at_lower_pct,
        max_by(probabilities.prob_touch_pct, probabilities.strike_usd)
            filter (where probabilities.strike_usd <= asked.price_usd) as touch_at_lower_pct,
        min(probabilities.strike_usd) filter (where probabilities.strike_usd >= asked.price_usd) as strike_above_usd,
        min_by(probabilities.prob_below_pct, probabilities.strike_usd)
            filter (where probabilities.strike_usd >= asked.price_usd) as below_at_upper_pct,
        min_by(probabilities.prob_touch_pct, probabilities.strike_usd)
            filter (where probabilities.strike_usd >= asked.price_usd) as touch_at_upper_pct
    from asked
    join probabilities on probabilities.venue = asked.venue and probabilities.snapshot_time = asked.snapshot_time
    where asked.price_usd is not null
        and probabilities.prob_below_pct is not null
    group by asked.knowledge, asked.signal_date, asked.name
),

interpolated as (
    select
        knowledge,
        signal_date,
        name,
        coalesce((price_usd - strike_below_usd) / nullif(strike_above_usd - strike_below_usd, 0), 0) as weight,
        below_at_lower_pct + weight * (below_at_upper_pct - below_at_lower_pct) as prob_below_pct,
        touch_at_lower_pct + weight * (touch_at_upper_pct - touch_at_lower_pct) as prob_touch_pct
    from bracketed
    where strike_above_usd - strike_below_usd <= 2000
),

probability_signals as (
    select knowledge, signal_date, 'prob_below_' || name || '_21d_pct' as signal_id, prob_below_pct as value
    from interpolated
    union all
    select knowledge, signal_date, 'prob_touch_' || name || '_21d_pct', prob_touch_pct
    from interpolated
),

long as (
    {{ signals_long('wide') }}
    union all
    {{ signals_long('premium') }}
    union all
    {{ signals_long('below_level_shares') }}
    union all
    select * from probability_signals
    where value is not null
)

select * from long
