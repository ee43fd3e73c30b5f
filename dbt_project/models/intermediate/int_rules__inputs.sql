-- One row per date, signal and measure that a rule may ask for: the reading itself, its change, or its rank in its own
-- year.
with

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
)

select * from measures
