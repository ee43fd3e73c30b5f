-- A state's or a regime's days begin at one when it changes, and go on by one when it does not.
{{ config(meta={"dagster": {"ref": {"name": "fct_bucket_daily"}}}) }}
with

states as (
    select
        signal_date,
        bucket as target,
        state,
        days_in_state as days
    from {{ ref('fct_bucket_daily') }}
    union all
    select
        signal_date,
        'regime',
        regime,
        days_in_regime
    from {{ ref('fct_regime_daily') }}
),

counted as (
    select
        *,
        case
            when state = lag(state) over by_date then 1 + lag(days) over by_date
            else 1
        end as expected_days
    from states
    window by_date as (partition by target order by signal_date)
)

select * from counted
where days <> expected_days
