-- One row per date and condition (H1 to H3) or warning (R1 to R3): does it count today? Good news must be repeated, bad
-- news counts at once and fades slowly; how often is in the rows of scope `verdict`. Null for unknown, with what it
-- waits for. A stand-in that a condition rests on is named.
with

framework as (
    select * from {{ ref('int_framework__daily') }}
    where left(condition_id, 1) in ('H', 'R')
),

framework_rules as (select * from {{ ref('int_framework__rules') }}),

bucket_rules as (select * from {{ ref('int_buckets__rules') }}),

signals as (select * from {{ ref('signals') }}),

thresholds as (
    from (select * exclude (side_closes, side_days, recent_closes) from {{ ref('int_verdict__thresholds') }})
    unpivot (repeats for name in (h1_repeats, h2_repeats, h3_repeats, r1_repeats, r2_repeats, r3_repeats))
),

-- Of the days before, how many held at least, and at most: an unknown one may have.
counted as (
    select
        framework.signal_date,
        framework.condition_id,
        framework.holds,
        thresholds.repeats,
        count(before.holds) filter (where before.holds) as held_at_least,
        any_value(thresholds.repeat_days) - count(*) filter (where before.holds is false) as held_at_most
    from framework
    join thresholds
        on thresholds.signal_date = framework.signal_date
        and thresholds.name = lower(framework.condition_id) || '_repeats'
    left join framework as before
        on before.condition_id = framework.condition_id
        and before.signal_date between framework.signal_date - thresholds.repeat_days and framework.signal_date - 1
    group by framework.signal_date, framework.condition_id, framework.holds, thresholds.repeats
),

judged as (
    select
        signal_date,
        condition_id,
        holds,
        case when held_at_least >= repeats then true when held_at_most < repeats then false end as is_repeated,
        case
            when repeats = 0 then holds
            when left(condition_id, 1) = 'H' then holds and is_repeated
            else holds or is_repeated
        end as counts
    from counted
),

-- A condition that rests on a bucket's state waits for what the bucket's rules lack.
lacking as (
    select
        rules.signal_date,
        rules.target_id as condition_id,
        rules.signal_id
    from framework_rules as rules
    where rules.holds is null and not starts_with(rules.signal_id, 'state_')
    union all
    select
        rules.signal_date,
        rules.target_id as condition_id,
        bucket_rules.signal_id
    from framework_rules as rules
    join bucket_rules
        on bucket_rules.signal_date = rules.signal_date
        and bucket_rules.target_id = substr(rules.signal_id, 7)
        and bucket_rules.holds is null
    where rules.holds is null and starts_with(rules.signal_id, 'state_')
),

inputs as (
    select
        lacking.signal_date,
        lacking.condition_id,
        string_agg(distinct '“' || signals.name_en || '”', ', ' order by '“' || signals.name_en || '”') as waits_for_en,
        string_agg(distinct signals.name_zh, '、' order by signals.name_zh) as waits_for_zh
    from lacking
    join signals on signals.signal_id = lacking.signal_id
    group by lacking.signal_date, lacking.condition_id
),

stand_ins as (
    select
        rules.signal_date,
        rules.target_id as condition_id,
        string_agg(distinct signals.name_en, ', ' order by signals.name_en) as stand_in_en,
        string_agg(distinct signals.name_zh, '、' order by signals.name_zh) as stand_in_zh
    from framework_rules as rules
    join signals on signals.signal_id = rules.signal_id
    where rules.alternative_rank > 1 and rules.holds is not null
    group by rules.signal_date, rules.target_id
),

described as (
    select
        judged.signal_date,
        judged.condition_id,
        judged.counts,
        case when judged.holds is null then inputs.waits_for_en end as waits_for_en,
        case when judged.holds is null then inputs.waits_for_zh end as waits_for_zh,
        stand_ins.stand_in_en,
        stand_ins.stand_in_zh
    from judged
    left join inputs on inputs.signal_date = judged.signal_date and inputs.condition_id = judged.condition_id
    left join stand_ins
        on stand_ins.signal_date = judged.signal_date and stand_ins.condition_id = judged.condition_id
)

select * from described
