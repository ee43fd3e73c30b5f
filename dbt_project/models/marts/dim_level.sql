-- One row per analyst's level: the price that the question is asked about, its absorption cluster, and when it is in force.
with

levels as (select * from {{ ref('levels') }})

select * from levels
