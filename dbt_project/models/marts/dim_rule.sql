-- One row per rule: what is compared with what, for how many readings, in force when, and why.
with

rules as (select * from {{ ref('rules') }})

select
    rule_id,
    scope,
    target_id,
    direction,
    rule_group,
    alternative_group,
    alternative_rank,
    signal_id,
    measure,
    operator,
    enter_threshold,
    exit_threshold,
    readings,
    valid_from,
    valid_to,
    unit,
    rationale,
    source,
    switched_off_because
from rules
