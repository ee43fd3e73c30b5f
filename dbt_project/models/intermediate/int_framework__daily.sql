-- One row per framework condition and date: true, false or null for unknown. Groups of rules are alternatives ("or"),
-- their members are joined by "and"; a refuting group that holds makes the condition false, and one that is unknown
-- leaves a condition that would be true unknown.
with

rules as (select * from {{ ref('int_framework__rules') }}),

signals as (select * from {{ ref('signals') }}),

groups as (
    select
        signal_date,
        target_id,
        direction,
        rule_group,
        {{ all_of('holds') }} as holds,
        string_agg(case when direction = 'refutes' then rationale end, '; ' order by rule_id) as refutation
    from rules
    group by signal_date, target_id, direction, rule_group
),

conditions as (
    select
        signal_date,
        target_id as condition_id,
        case
            when bool_or(holds) filter (where direction = 'refutes') then false
            when bool_and(not holds) filter (where direction = 'holds')
                and count(*) filter (where direction = 'holds' and holds is null) = 0 then false
            when count(*) filter (where direction = 'refutes' and holds is null) > 0 then null
            when bool_or(holds) filter (where direction = 'holds') then true
        end as holds,
        min(refutation) filter (where direction = 'refutes' and holds) as refutation
    from groups
    group by signal_date, target_id
),

-- Rules of different groups may ask the same, which is said once.
said as (
    select
        rules.signal_date,
        rules.target_id as condition_id,
        case
            when rules.direction <> 'holds' then null
            when rules.holds is null then 'no reading of ' || coalesce(signals.name_en, rules.signal_id)
            when signals.signal_id is null
                then rules.signal_id || ' ' || {{ number_text('rules.value') }} || ' ' || rules.operator || ' '
                    || {{ number_text('rules.enter_threshold') }} || case when rules.holds then '' else ': no' end
            else {{ rule_sentence('rules', 'signals') }} || case when rules.holds then '' else ': no' end
        end as sentence,
        min(rules.rule_id) as rule_id
    from rules
    left join signals on signals.signal_id = rules.signal_id
    group by all
),

sentences as (
    select
        signal_date,
        condition_id,
        string_agg(sentence, '; ' order by rule_id) as evidence
    from said
    group by signal_date, condition_id
),

described as (
    select
        conditions.signal_date,
        conditions.condition_id,
        conditions.holds,
        concat_ws('; ', conditions.refutation, sentences.evidence) as evidence
    from conditions
    join sentences
        on sentences.signal_date = conditions.signal_date and sentences.condition_id = conditions.condition_id
)

select * from described
