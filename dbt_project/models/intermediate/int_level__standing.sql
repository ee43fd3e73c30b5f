-- One row per date: the level in use, and where it comes from; else why there is none. An analyst's row comes first,
-- from the day that it was out. Else the newest candidate of the last 60 days on whose day price was there; if price
-- was at none of them, today's own candidate. Nothing is carried from one date's result to the next.
with

coverage as (select * from {{ ref('int_level__coverage') }}),

nodes as (select * from {{ ref('int_level__nodes') }}),

analyst_levels as (select * from {{ ref('levels') }}),

-- A day's candidate is of the source that the day has. Of days before enough was loaded nobody can say which it was.
candidates as (
    select
        coverage.signal_date,
        coverage.cluster_source,
        nodes.low_usd,
        nodes.high_usd,
        nodes.peak_usd,
        nodes.share_of_profile,
        nodes.is_at_level,
        nodes.signal_date is not null as is_found,
        coverage.cluster_source = 'volume_at_price'
        and coverage.days_loaded < coverage.days_needed - {{ var('level_memory_days') - 1 }} as is_unknowable
    from coverage
    left join nodes
        on nodes.signal_date = coverage.signal_date
        and nodes.cluster_source = coverage.cluster_source
        and nodes.is_candidate
),

remembered as (
    select
        signal_date,
        is_found,
        coalesce(
            max(case when is_at_level then signal_date end) over memory, case when is_found then signal_date end
        ) as level_seen_date,
        max(case when is_at_level then signal_date end) over memory is null as is_untouched,
        max(case when is_unknowable then signal_date end) over memory as last_unknowable_date
    from candidates
    window memory as (
        order by signal_date
        range between interval '{{ var("level_memory_days") - 1 }} days' preceding and current row
    )
),

judged as (
    select
        coverage.*,
        remembered.level_seen_date,
        case
            when coverage.close_usd is null then 'no close of this day'
            when coverage.days_loaded < coverage.days_needed
                then coverage.days_loaded || ' of ' || coverage.days_needed || ' days before it loaded'
            when coverage.cluster_source = 'volume_at_price' and not coverage.has_volume_profile
                then 'spot bars on ' || printf('%.0f', 100 * coverage.window_filled) || ' % of the '
                    || {{ var('level_window_days') }} || ' days before it, '
                    || {{ (100 * var('level_filled_share')) | int }} || ' % needed'
            when not remembered.is_found
                then 'no node that the closes of {{ var("level_in_play_days") }} days have been through'
            -- A day whose candidate nobody knows may have been the newest at which price was.
            when remembered.last_unknowable_date > remembered.level_seen_date
                or (remembered.is_untouched and remembered.last_unknowable_date is not null)
                then 'too little loaded to know the candidates of ' || {{ var('level_memory_days') }} || ' days'
        end as none_because
    from coverage
    join remembered on remembered.signal_date = coverage.signal_date
),

computed as (
    select
        judged.signal_date,
        candidates.cluster_source,
        candidates.high_usd as level_usd,
        candidates.low_usd as cluster_low_usd,
        candidates.high_usd as cluster_high_usd,
        candidates.peak_usd,
        candidates.share_of_profile,
        judged.level_seen_date
    from judged
    join candidates on candidates.signal_date = judged.level_seen_date
    where judged.none_because is null
),

analyst as (
    select
        judged.signal_date,
        'analyst' as cluster_source,
        analyst_levels.level_usd,
        analyst_levels.cluster_low_usd,
        analyst_levels.cluster_high_usd,
        sqrt(analyst_levels.cluster_low_usd * analyst_levels.cluster_high_usd) as peak_usd,
        cast(null as double) as share_of_profile,
        judged.signal_date as level_seen_date
    from judged
    join analyst_levels
        on judged.signal_date between analyst_levels.valid_from and analyst_levels.valid_to
        and analyst_levels.known_from <= judged.signal_date
    qualify row_number() over (
        partition by judged.signal_date order by analyst_levels.known_from desc, analyst_levels.valid_from desc
    ) = 1
),

standing as (
    select
        judged.signal_date,
        judged.close_usd,
        judged.cluster_source as profile_source,
        coalesce(analyst.cluster_source, computed.cluster_source, 'none') as cluster_source,
        coalesce(analyst.level_usd, computed.level_usd) as level_usd,
        coalesce(analyst.cluster_low_usd, computed.cluster_low_usd) as cluster_low_usd,
        coalesce(analyst.cluster_high_usd, computed.cluster_high_usd) as cluster_high_usd,
        coalesce(analyst.peak_usd, computed.peak_usd) as peak_usd,
        case when analyst.signal_date is null then computed.share_of_profile end as share_of_profile,
        coalesce(analyst.level_seen_date, computed.level_seen_date) as level_seen_date,
        judged.window_filled,
        judged.days_loaded,
        judged.days_needed,
        case when analyst.signal_date is null then judged.none_because end as none_because
    from judged
    left join analyst on analyst.signal_date = judged.signal_date
    left join computed on computed.signal_date = judged.signal_date
)

select * from standing
