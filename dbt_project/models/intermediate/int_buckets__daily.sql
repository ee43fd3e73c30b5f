-- One row per bucket and date: its state and what makes it so. `bear` if any continuing group holds; `bull` if all
-- confirming groups hold; else the primary's own direction beyond a dead band. `unknown` if the primary is not fresh,
-- or where a missing reading could change the state: then it says what it could be, and what it lacks.
with

rules as (select * from {{ ref('int_buckets__rules') }}),

primaries as (select * from {{ ref('int_buckets__primaries') }}),

first_choices as (select * from {{ ref('bucket_primaries') }} where alternative_rank = 1),

signals as (select * from {{ ref('signals') }}),

{{ bucket_states() }},

-- The rules that decide the state, each with its reading, the day it is of, and the threshold; then what is missing.
said as (
    select
        rules.signal_date,
        rules.target_id as bucket,
        rules.rule_id,
        rules.direction,
        case when rules.holds then {{ rule_sentence('rules', 'signals') }} end as sentence,
        case when rules.holds is null then signals.name_en end || case
            when rules.is_fresh and rules.readings_met < rules.readings
                then ' (' || rules.readings_met || ' of ' || rules.readings || ' readings'
                    || coalesce(' since the hole of ' || rules.hole_date, '') || ')'
            else ''
        end as missing
    from rules
    join signals on signals.signal_id = rules.signal_id
),

sentences as (
    select
        signal_date,
        bucket,
        string_agg(sentence, '; ' order by direction desc, rule_id) as evidence,
        string_agg(distinct missing, ', ' order by missing) as missing
    from said
    group by signal_date, bucket
),

described as (
    select
        states.signal_date,
        states.bucket,
        states.state,
        states.state_at_best,
        states.state_at_worst,
        states.signal_id as primary_signal_id,
        states.observed_date as primary_observed_date,
        states.confirms_met,
        states.confirms_total,
        states.continues_met,
        states.continues_total,
        coalesce(sentences.evidence, 'no rule holds')
        || coalesce('; no reading: ' || sentences.missing, '') as evidence,
        case
            when not states.is_fresh
                then 'a fresh reading of ' || signals.name_en
                    || coalesce(', the last is of ' || states.observed_date, ', none has come yet')
            when states.state = 'unknown'
                then 'at best ' || states.state_at_best || ', at worst ' || states.state_at_worst || '; lacks '
                    || concat_ws(', ', sentences.missing, case
                        when states.lean is null then signals.name_en || ' as it was before'
                    end)
            when states.signal_id <> first_choices.signal_id
                then first_choice_names.name_en || '; ' || signals.name_en || ' stands in'
            when sentences.missing is not null
                then 'readings of ' || sentences.missing || ', which would not change it'
        end as waiting_for
    from states
    join sentences on sentences.signal_date = states.signal_date and sentences.bucket = states.bucket
    join signals on signals.signal_id = states.signal_id
    join first_choices on first_choices.bucket = states.bucket
    join signals as first_choice_names on first_choice_names.signal_id = first_choices.signal_id
)

select * from described
