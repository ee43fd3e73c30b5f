-- One row per rule in force and date: the reading, whether the rule holds (null = unknown), and how far it is from
-- turning.
with

bucket_rules as (select * from {{ ref('int_buckets__rules') }}),

framework_rules as (select * from {{ ref('int_framework__rules') }}),

unioned as (
    select
        signal_date,
        rule_id,
        scope,
        target_id,
        direction,
        signal_id,
        value,
        observed_date,
        readings_met,
        hole_date,
        holds,
        flip_distance
    from bucket_rules
    union all
    select
        signal_date,
        rule_id,
        scope,
        target_id,
        direction,
        signal_id,
        value,
        observed_date,
        readings_met,
        hole_date,
        holds,
        case when holds then coalesce(exit_threshold, enter_threshold) else enter_threshold end - value
    from framework_rules
)

select
    signal_date,
    rule_id,
    scope,
    target_id,
    direction,
    signal_id,
    value,
    observed_date,
    readings_met,
    hole_date,
    holds,
    flip_distance
from unioned
