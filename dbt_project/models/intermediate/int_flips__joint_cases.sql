-- One row per date, bucket, goal and reading to be moved, for the buckets that no single change flips: what would have
-- to come together. To leave a bear, the easiest member of each group that makes it has to turn; to become bull or
-- bear, all that is unmet on that side. Each reading is moved as little as its own rules ask for.
with

all_cases as (select * from {{ ref('int_flips__cases') }}),

single as (select * from {{ ref('int_flips__single') }}),

actual as (select * from {{ ref('int_buckets__daily') }} where state <> 'unknown'),

judged as (select * from {{ ref('int_buckets__rules') }}),

readings as (select * from {{ ref('int_flips__readings') }}),

cases as (
    select
        all_cases.*,
        actual.state
    from all_cases
    join actual on actual.signal_date = all_cases.signal_date and actual.bucket = all_cases.bucket
    anti join single on single.signal_date = all_cases.signal_date and single.bucket = all_cases.bucket
),

moves as (select * from cases where distance <> 0),

{{ moved_rules() }},

-- The smallest change that turns each rule by itself.
turned as (
    select
        cases.signal_date,
        cases.bucket,
        cases.state,
        rules.direction,
        rules.rule_group,
        rules.rule_id,
        rules.signal_id,
        coalesce(rules.distance, 0) as distance,
        cases.repeats,
        cases.deviations
    from rules
    join cases
        on cases.signal_date = rules.signal_date
        and cases.bucket = rules.target_id
        and cases.case_id = rules.case_id
    where rules.holds = not rules.held
        and (rules.distance is not null or cases.distance = 0)
        and (cases.repeats = 0 or not rules.held)
    qualify row_number() over (
        partition by cases.signal_date, cases.bucket, rules.rule_id order by cases.case_id
    ) = 1
),

leaving_bear as (
    select
        *,
        'leave' as goal
    from turned
    where state = 'bear'
        and direction = 'continues'
        and (signal_date, bucket, rule_group) in (
            select (signal_date, target_id, rule_group) from judged
            where direction = 'continues'
            group by signal_date, target_id, rule_group
            having bool_and(holds)
        )
    qualify row_number() over (
        partition by signal_date, bucket, rule_group order by deviations nulls last, rule_id
    ) = 1
),

entering as (
    select
        turned.*,
        case turned.direction when 'confirms' then 'bull' else 'bear ' || turned.rule_group end as goal
    from turned
    join judged on judged.signal_date = turned.signal_date and judged.rule_id = turned.rule_id
    where turned.state <> 'bear' and not judged.holds
),

chosen as (
    select * from leaving_bear
    union all
    select * from entering
),

wanted as (
    select
        signal_date,
        bucket,
        goal,
        signal_id,
        last(distance order by abs(distance), distance) as distance,
        max(deviations) as deviations,
        max(repeats) as repeats
    from chosen
    group by signal_date, bucket, goal, signal_id
),

ranked as (
    select
        signal_date,
        bucket,
        goal as case_id,
        signal_id,
        distance,
        deviations,
        max(repeats) over goals as repeats,
        max(deviations) over goals as case_deviations
    from wanted
    window goals as (partition by signal_date, bucket, goal)
)

select * from ranked
