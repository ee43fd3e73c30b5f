-- One row per bucket and date: its state and what makes it so. `unknown` if the primary is not fresh; `bear` if any
-- continuing group holds, as far as known; `bull` if all confirming groups hold, none missing; else the primary's own
-- direction beyond a dead band.
with

rules as (select * from {{ ref('int_buckets__rules') }}),

primaries as (select * from {{ ref('int_buckets__primaries') }}),

first_choices as (select * from {{ ref('bucket_primaries') }} where alternative_rank = 1),

signals as (select * from {{ ref('signals') }}),

groups as (
    select
        signal_date,
        target_id as bucket,
        direction,
        rule_group,
        case
            when bool_or(not holds) then false
            when count(holds) = count(*) then true
        end as holds_strictly,
        case when count(holds) > 0 then bool_and(holds) end as holds_as_far_as_known,
        -- To break a group one member must turn; to complete it, all that do not hold.
        arg_min(signal_id, flip_deviations) filter (where holds) as breaking_signal_id,
        arg_min(flip_distance, flip_deviations) filter (where holds) as breaking_distance,
        min(flip_deviations) filter (where holds) as breaking_deviations,
        arg_max(signal_id, flip_deviations) filter (where not holds) as completing_signal_id,
        arg_max(flip_distance, flip_deviations) filter (where not holds) as completing_distance,
        max(flip_deviations) filter (where not holds) as completing_deviations
    from rules
    group by signal_date, target_id, direction, rule_group
),

counts as (
    select
        signal_date,
        bucket,
        count(*) filter (where direction = 'confirms' and holds_strictly) as confirms_met,
        count(*) filter (where direction = 'confirms') as confirms_total,
        count(*) filter (where direction = 'continues' and holds_as_far_as_known) as continues_met,
        count(*) filter (where direction = 'continues') as continues_total,
        -- Out of a bear: the group that is hardest to break.
        arg_max(breaking_signal_id, breaking_deviations)
            filter (where direction = 'continues' and holds_as_far_as_known) as leave_bear_signal_id,
        arg_max(breaking_distance, breaking_deviations)
            filter (where direction = 'continues' and holds_as_far_as_known) as leave_bear_distance,
        -- Into a bear: the group that is easiest to complete.
        arg_min(completing_signal_id, completing_deviations)
            filter (where direction = 'continues' and not holds_as_far_as_known) as enter_bear_signal_id,
        arg_min(completing_distance, completing_deviations)
            filter (where direction = 'continues' and not holds_as_far_as_known) as enter_bear_distance,
        min(completing_deviations)
            filter (where direction = 'continues' and not holds_as_far_as_known) as enter_bear_deviations,
        -- Into a bull: the confirming group that is hardest to complete. Out of it: the one easiest to break.
        arg_max(completing_signal_id, completing_deviations)
            filter (where direction = 'confirms' and not holds_strictly) as enter_bull_signal_id,
        arg_max(completing_distance, completing_deviations)
            filter (where direction = 'confirms' and not holds_strictly) as enter_bull_distance,
        max(completing_deviations)
            filter (where direction = 'confirms' and not holds_strictly) as enter_bull_deviations,
        arg_min(breaking_signal_id, breaking_deviations)
            filter (where direction = 'confirms' and holds_strictly) as leave_bull_signal_id,
        arg_min(breaking_distance, breaking_deviations)
            filter (where direction = 'confirms' and holds_strictly) as leave_bull_distance,
        min(breaking_deviations) filter (where direction = 'confirms' and holds_strictly) as leave_bull_deviations
    from groups
    group by signal_date, bucket
),

states as (
    select
        primaries.signal_date,
        primaries.bucket,
        case
            when not primaries.is_fresh then 'unknown'
            when counts.continues_met > 0 then 'bear'
            when counts.confirms_met = counts.confirms_total then 'bull'
            when primaries.improvement > primaries.dead_band then 'improving'
            when primaries.improvement < -primaries.dead_band then 'worsening'
            else 'neutral'
        end as state,
        primaries.signal_id as primary_signal_id,
        primaries.observed_date as primary_observed_date,
        counts.* exclude (signal_date, bucket)
    from primaries
    join counts on counts.signal_date = primaries.signal_date and counts.bucket = primaries.bucket
),

flips as (
    select
        signal_date,
        bucket,
        state,
        primary_signal_id,
        primary_observed_date,
        confirms_met,
        confirms_total,
        continues_met,
        continues_total,
        case
            when state = 'unknown' then null
            when state = 'bear' then leave_bear_signal_id
            when state = 'bull' and leave_bull_deviations <= coalesce(enter_bear_deviations, 'inf')
                then leave_bull_signal_id
            when state = 'bull' then enter_bear_signal_id
            when enter_bull_deviations <= coalesce(enter_bear_deviations, 'inf') then enter_bull_signal_id
            else coalesce(enter_bear_signal_id, enter_bull_signal_id)
        end as flip_signal_id,
        case
            when state = 'unknown' then null
            when state = 'bear' then leave_bear_distance
            when state = 'bull' and leave_bull_deviations <= coalesce(enter_bear_deviations, 'inf')
                then leave_bull_distance
            when state = 'bull' then enter_bear_distance
            when enter_bull_deviations <= coalesce(enter_bear_deviations, 'inf') then enter_bull_distance
            else coalesce(enter_bear_distance, enter_bull_distance)
        end as flip_distance
    from states
),

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
        flips.*,
        coalesce(sentences.evidence, 'no rule holds')
        || coalesce('; skipped, no reading: ' || sentences.missing, '') as evidence,
        case
            when flips.state = 'unknown'
                then 'a fresh reading of ' || signals.name_en
                    || coalesce(', the last is of ' || flips.primary_observed_date, ', none has come yet')
            when flips.primary_signal_id <> first_choices.signal_id
                then first_choice_names.name_en || '; ' || signals.name_en || ' stands in'
            when flips.confirms_met < flips.confirms_total and sentences.missing is not null
                then 'readings of ' || sentences.missing
        end as waiting_for
    from flips
    join sentences on sentences.signal_date = flips.signal_date and sentences.bucket = flips.bucket
    join signals on signals.signal_id = flips.primary_signal_id
    join first_choices on first_choices.bucket = flips.bucket
    join signals as first_choice_names on first_choice_names.signal_id = first_choices.signal_id
)

select * from described
