-- Each threshold that the verdict names has a row in force on each date, and each row of scope `verdict` is one it
-- names.
{{ config(meta={"dagster": {"ref": {"name": "int_verdict__thresholds"}}}) }}
with

thresholds as (select * from {{ ref('int_verdict__thresholds') }}),

rules as (select * from {{ ref('rules') }} where scope = 'verdict'),

named as (
    from thresholds
    unpivot include nulls (threshold for target_id in (columns(* exclude (signal_date))))
),

broken as (
    select
        'no row in force: ' || target_id as problem,
        min(signal_date) as first_date,
        count(*) as dates
    from named
    where threshold is null
    group by target_id
    union all
    select
        'the verdict does not read ' || target_id as problem,
        null as first_date,
        null as dates
    from rules
    where target_id not in (select target_id from named)
        and exists (from thresholds)
)

select * from broken
