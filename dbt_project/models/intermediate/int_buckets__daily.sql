-- One row per bucket and date: its state and what makes it so. `unknown` if the primary is not fresh; `bear` if any
-- continuing group holds, as far as known; `bull` if all confirming groups hold, none missing; else the primary's own
-- direction beyond a dead band.
with

rules as (select * from {{ ref('int_buckets__rules') }}),

primaries as (select * from {{ ref('int_buckets__primaries') }}),

first_choices as (select * from {{ ref('bucket_primaries') }} where alternative_rank = 1),

signals as (select * from {{ ref('signals') }}),

{{ bucket_states() }},

-- The rules that decide the state, each with its reading, the day it is of, and the threshold; then what is missing.
sentences as (
    select
        rules.signal_date,
        rules.target_id as bucket,
        string_agg(
            {{ rule_sentence('rules', 'signals') }}, '; ' order by rules.direction desc, rules.rule_id
        ) filter (where rules.holds) as evidence,
        string_agg(distinct signals.name_en, ', ' order by signals.name_en)
            filter (where rules.holds is null) as missing
    from rules
    join signals on signals.signal_id = rules.signal_id
    group by rules.signal_date, rules.target_id
),

described as (
    select
        states.signal_date,
        states.bucket,
        states.state,
        states.signal_id as primary_signal_id,
        states.observed_date as primary_observed_date,
        states.confirms_met,
        states.confirms_total,
        states.continues_met,
        states.continues_total,
        coalesce(sentences.evidence, 'no rule holds')
        || coalesce('; skipped, no reading: ' || sentences.missing, '') as evidence,
        case
            when states.state = 'unknown'
                then 'a fresh reading of ' || signals.name_en
                    || coalesce(', the last is of ' || states.observed_date, ', none has come yet')
            when states.signal_id <> first_choices.signal_id
                then first_choice_names.name_en || '; ' || signals.name_en || ' stands in'
            when states.confirms_met < states.confirms_total and sentences.missing is not null
                then 'readings of ' || sentences.missing
        end as waiting_for
    from states
    join sentences on sentences.signal_date = states.signal_date and sentences.bucket = states.bucket
    join signals on signals.signal_id = states.signal_id
    join first_choices on first_choices.bucket = states.bucket
    join signals as first_choice_names on first_choice_names.signal_id = first_choices.signal_id
)

select * from described
