-- One row per rule: what is compared with what, for how many readings, in force when, and why.
with

rules as (select * from {{ ref('rules') }})

select * from rules
