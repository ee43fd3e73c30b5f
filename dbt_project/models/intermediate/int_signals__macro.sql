-- One row per reader, date and macro signal. Changes are over trading dates; correlations pair bitcoin at the New York
-- close with the index on common trading dates.
with

frame as (
    {{ numbered_frame(['spx_close', 'ixic_close', 'dji_close', 'sox_close', 'gold_close', 'silver_close', 'dxy_close',
        'dxy_ecb', 'vix', 'ust2y_pct', 'ust10y_pct', 'real10y_pct'], 14) }}
),

-- Sixty common trading dates need about ninety days.
long_frame as ({{ frame(['btc_close_new_york_usd', 'ixic_close', 'gold_close'], 100) }}),

wide as (
    select
        knowledge,
        signal_date,
        {%- for index in ['spx', 'ixic', 'dji', 'sox', 'gold', 'silver', 'dxy'] %}
        {{ change_pct(reading(index ~ '_close', 1), reading(index ~ '_close', 2)) }} as {{ index }}_return_1d_pct,
        {{ change_pct(reading(index ~ '_close', 1), reading(index ~ '_close', 6)) }} as {{ index }}_return_5d_pct,
        {%- endfor %}
        {{ change_pct(reading('dxy_ecb', 1), reading('dxy_ecb', 6)) }} as dxy_ecb_return_5d_pct,
        (spx_return_5d_pct + ixic_return_5d_pct) / 2 as equities_return_5d_pct,
        {{ reading('ust2y_pct') }} as ust2y_pct,
        {{ reading('ust10y_pct') }} as ust10y_pct,
        {{ reading('real10y_pct') }} as real10y_pct,
        100 * ({{ reading('ust10y_pct', 1) }} - {{ reading('ust10y_pct', 6) }}) as ust10y_change_5d_bp,
        {{ reading('vix') }} as vix
    from frame
    group by knowledge, signal_date
),

common_dates as (
    select
        bitcoin.knowledge,
        bitcoin.signal_date,
        other.series_id,
        bitcoin.observed_date,
        bitcoin.value / lead(bitcoin.value) over newest_first - 1 as btc_return,
        other.value / lead(other.value) over newest_first - 1 as other_return,
        row_number() over newest_first as reading_number
    from long_frame as bitcoin
    join long_frame as other
        on other.knowledge = bitcoin.knowledge
        and other.signal_date = bitcoin.signal_date
        and other.observed_date = bitcoin.observed_date
    where bitcoin.series_id = 'btc_close_new_york_usd'
        and other.series_id in ('ixic_close', 'gold_close')
    window newest_first as (
        partition by bitcoin.knowledge, bitcoin.signal_date, other.series_id order by bitcoin.observed_date desc
    )
),

-- A constant series has no correlation: null, not zero.
correlations as (
    select
        knowledge,
        signal_date,
        case
            when count(other_return) filter (where series_id = 'ixic_close' and reading_number <= 30) = 30
                then corr(btc_return, other_return order by reading_number)
                    filter (where series_id = 'ixic_close' and reading_number <= 30)
        end as btc_ixic_corr_30d,
        case
            when count(other_return) filter (where series_id = 'gold_close' and reading_number <= 30) = 30
                then corr(btc_return, other_return order by reading_number)
                    filter (where series_id = 'gold_close' and reading_number <= 30)
        end as btc_gold_corr_30d,
        case
            when count(other_return) filter (where series_id = 'ixic_close' and reading_number <= 60) = 60
                then regr_slope(btc_return, other_return order by reading_number)
                    filter (where series_id = 'ixic_close' and reading_number <= 60)
        end as btc_ixic_beta_60d
    from common_dates
    group by knowledge, signal_date
),

long as (
    {{ signals_long('wide') }}
    union all
    {{ signals_long('correlations') }}
)

select * from long
