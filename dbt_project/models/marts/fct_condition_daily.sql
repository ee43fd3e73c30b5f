-- One row per framework condition (H1-H3, R1-R3, S1-S3) and date: true, false or null for unknown, with the evidence.
with

conditions as (select * from {{ ref('int_framework__daily') }})

select
    signal_date,
    condition_id,
    holds,
    evidence
from conditions
