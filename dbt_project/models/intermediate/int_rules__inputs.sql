-- One row per date, signal and measure that a rule may ask for: the reading itself, its change, or its rank in its own
-- year; and how far apart two readings may lie with nothing missing between them: a day where markets never close,
-- three for the chain, whose figures come late, no limit for what follows a trading calendar.
with

signals as (select * from {{ ref('signals') }}),

readings as (select * from {{ ref('int_signals__as_known') }}),

measures as (
    select
        signal_date,
        signal_id,
        measure,
        reading as value,
        observed_date,
        is_fresh
    from (select * from readings)
    unpivot (reading for measure in (value, change_1d, change_7d, percentile_365d, zscore_365d))
),

described as (
    select
        measures.*,
        cast(null as double) as other_value,
        case
            when signals.bucket in ('onchain', 'mining') then 3
            when signals.bucket not in ('flows', 'macro') then 1
        end as longest_gap_days
    from measures
    join signals on signals.signal_id = measures.signal_id
)

select * from described
