-- One row per date: the regime. The first that matches wins, so that every date gets exactly one. The slow regimes
-- (distribution to stabilizing) are smoothed: the label in force is the latest that came on three days running, within
-- 60 days and after the last capitulation, as long as what makes it last still holds. All three days come after it:
-- what the day of a forced sale and the day before looked like says nothing of what follows.
with

context as (select * from {{ ref('int_regime__context') }}),

relief as (select * from {{ ref('int_regime__relief') }}),

expanding as (
    select
        *,
        count(*) filter (where is_recovery) over month >= expansion_days
        and btc_close_to_level_pct > 0
        and bears <= expansion_bears
        and not is_sharp_fall as is_expansion
    from context
    window month as (order by signal_date range between interval '29 days' preceding and current row)
),

own_labels as (
    select
        *,
        case
            when distance_from_high_pct >= high_distance_pct
                and signal_date - high_365d_date <= high_age_days
                and is_overheated
                and is_turning then 'distribution'
            when is_expansion then 'expansion'
            when is_recovery and not is_sharp_fall then 'confirmed_recovery'
            when (btc_close_to_level_pct < 0 and 2 * bears > buckets_known)
                or (
                    2 * bears > buckets_known
                    and btc_close_to_30d_mean_pct < 0
                    and drawdown_from_90d_high_pct <= bear_drawdown_pct
                )
                or (btc_close_usd < cluster_low_usd and bears >= greatest(bear_cluster_bears, bulls))
                or (closes_below_cluster_3d = 3 and bulls <= bear_cluster_bulls) then 'bear_continuation'
            else 'stabilizing'
        end as own_label
    from expanding
),

changes as (
    select
        *,
        coalesce(own_label <> lag(own_label) over by_date or signal_date - lag(signal_date) over by_date > 1, true)
            as is_new_label
    from own_labels
    window by_date as (order by signal_date)
),

runs as (
    select
        *,
        signal_date - greatest(
            max(case when is_new_label then signal_date end) over (
                order by signal_date rows between unbounded preceding and current row
            ),
            coalesce(last_trigger_date + 1, date '0001-01-01')
        ) + 1 >= label_days as is_established
    from changes
),

remembered as (
    select
        *,
        max(case when is_established then signal_date end) over so_far as established_date,
        arg_max(case when is_established then own_label end, case when is_established then signal_date end) over so_far
            as established_label
    from runs
    window so_far as (order by signal_date rows between unbounded preceding and current row)
),

lasting as (
    select
        *,
        established_date >= signal_date - cast(label_memory_days as integer)
        and (last_trigger_date is null or established_date > last_trigger_date)
        and case established_label
            when 'distribution' then distance_from_high_pct >= high_lasts_pct
            -- A sharp fall that is no capitulation for want of evidence: it has to show itself anew.
            when 'expansion'
                then btc_close_usd >= cluster_low_usd and bears <= expansion_bears and not is_sharp_fall
            when 'confirmed_recovery'
                then btc_close_usd >= cluster_low_usd and bears <= expansion_bears and not is_sharp_fall
            when 'bear_continuation'
                then btc_close_to_level_pct <= bear_lasts_level_pct
                    or bears >= bear_lasts_bears
                    or btc_close_to_30d_mean_pct < 0
            when 'stabilizing' then true
        end as lasts
    from remembered
),

smoothed as (
    select
        *,
        case
            when not bool_or(lasts is not true) over (
                partition by established_date order by signal_date rows between unbounded preceding and current row
            ) then established_label
            when own_label in ('bear_continuation', 'stabilizing') then own_label
            else 'stabilizing'
        end as smoothed_label
    from lasting
),

labelled as (
    select
        smoothed.*,
        relief.entered_date as relief_entered_date,
        relief.lowest_low_usd as relief_low_usd,
        case
            when smoothed.btc_close_usd is null
                or smoothed.buckets_known < smoothed.buckets_needed
                or not smoothed.has_positioning then 'unknown'
            when smoothed.is_trigger then 'capitulation'
            when coalesce(relief.is_relief, false) then 'relief_rally'
            when smoothed.signal_date = smoothed.last_trigger_date + 1 then 'capitulation'
            else smoothed.smoothed_label
        end as regime
    from smoothed
    left join relief on relief.signal_date = smoothed.signal_date
)

select * from labelled
