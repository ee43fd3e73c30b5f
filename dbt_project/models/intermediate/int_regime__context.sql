-- One row per date: everything that decides the regime, side by side.
with

readings as (select * from {{ ref('int_regime__readings') }}),

thresholds as (select * from {{ ref('int_regime__thresholds') }}),

triggers as (select * from {{ ref('int_regime__triggers') }}),

buckets as (select * from {{ ref('int_buckets__daily') }}),

framework as (select * from {{ ref('int_framework__daily') }}),

bucket_counts as (
    select
        signal_date,
        count(*) filter (where state <> 'unknown') as buckets_known,
        count(*) filter (where state = 'bull') as bulls,
        count(*) filter (where state = 'bear') as bears,
        count(*) filter (where state in ('bear', 'worsening')) as worsening,
        bool_or(state <> 'unknown') filter (where bucket in ('derivatives', 'leverage')) as has_positioning,
        string_agg(bucket, ', ' order by bucket) filter (where state = 'unknown') as unknown_buckets
    from buckets
    group by signal_date
),

conditions as (
    select
        signal_date,
        {%- for id in ['H1', 'H2', 'H3', 'R1', 'R2', 'R3', 'S1', 'S2', 'S3'] %}
        bool_or(holds) filter (where condition_id = '{{ id }}') as {{ id | lower }}{{ ',' if not loop.last }}
        {%- endfor %}
    from framework
    group by signal_date
),

joined as (
    select
        readings.*,
        thresholds.* exclude (signal_date),
        triggers.is_trigger,
        triggers.is_sharp_fall,
        triggers.evidence as trigger_evidence,
        bucket_counts.* exclude (signal_date),
        conditions.* exclude (signal_date),
        cast(coalesce(conditions.h1, false) as integer) + cast(coalesce(conditions.h2, false) as integer)
        + cast(coalesce(conditions.h3, false) as integer) as conditions_met,
        len(list_filter([conditions.h1, conditions.h2, conditions.h3], lambda condition: condition is not null))
            as conditions_known
    from readings
    join thresholds on thresholds.signal_date = readings.signal_date
    join triggers on triggers.signal_date = readings.signal_date
    join bucket_counts on bucket_counts.signal_date = readings.signal_date
    join conditions on conditions.signal_date = readings.signal_date
),

judged as (
    select
        *,
        btc_close_to_level_pct > 0
        and conditions_met >= recovery_conditions
        and bulls >= recovery_bulls
        and bears <= recovery_bears as is_recovery,
        100 * (btc_close_usd / nullif(high_365d_usd, 0) - 1) as distance_from_high_pct,
        max(funding_rate_8h_pct_percentile) over fortnight >= distribution_funding_percentile
        and max(oi_to_market_cap_pct_percentile) over fortnight >= distribution_leverage_percentile as is_overheated,
        etf_net_flow_5d_usd < 0 as is_flow_out,
        -- Profits past their peak: gross where a source has them, else net of losses.
        100 * (realized_profit_7d_usd / nullif(realized_profit_peak_usd, 0) - 1) as profit_from_peak_pct,
        case when net_realized_pnl_peak_usd > 0 then 100 * (net_realized_pnl_7d_usd / net_realized_pnl_peak_usd - 1) end
            as net_profit_from_peak_pct,
        coalesce(
            profit_from_peak_pct <= profit_off_peak_pct, net_profit_from_peak_pct <= net_profit_off_peak_pct
        ) as is_profit_off_peak,
        is_flow_out or is_profit_off_peak as is_turning,
        concat_ws(
            '; ',
            case when is_flow_out then 'ETF flows of five readings below zero' end,
            case
                when is_profit_off_peak and profit_from_peak_pct is not null
                    then 'realised profit ' || {{ number_text('profit_from_peak_pct') }} || ' % against its 90-day peak'
                when is_profit_off_peak
                    then 'net realised P/L, standing in for realised profit, '
                        || {{ number_text('net_profit_from_peak_pct') }} || ' % against its 90-day peak'
            end
        ) as turning_evidence,
        max(case when is_trigger then signal_date end) over (
            order by signal_date rows between unbounded preceding and current row
        ) as last_trigger_date
    from joined
    window fortnight as (order by signal_date range between interval '13 days' preceding and current row)
)

select * from judged
