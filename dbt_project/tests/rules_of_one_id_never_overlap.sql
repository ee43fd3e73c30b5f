-- An edited rule is a new row with a later range of dates. Two rows of one id in force on the same date would count
-- twice.
with

rules as (
    select
        *,
        row_number() over (order by rule_id, valid_from) as row_id
    from {{ ref('rules') }}
),

overlapping as (
    select
        rules.rule_id,
        rules.valid_from,
        rules.valid_to,
        others.valid_from as other_valid_from,
        others.valid_to as other_valid_to
    from rules
    join rules as others on rules.rule_id = others.rule_id and rules.row_id < others.row_id
    where rules.valid_from <= others.valid_to
        and others.valid_from <= rules.valid_to
)

select * from overlapping
