-- One row per date: the level and the cluster in use, whether the level moved on that day and why, since when it has
-- been in force, and the nearest nodes under and over the close. It moved when its peak did by more than 2 %; a smaller
-- shift is named where today's close lies elsewhere against today's cluster than against the last one, so that no label
-- turns on a move without a name.
with

standing as (select * from {{ ref('int_level__standing') }}),

nodes as (select * from {{ ref('int_level__nodes') }}),

path as (select * from {{ ref('int_level__path') }}),

compared as (
    select
        *,
        last_value(level_usd ignore nulls) over before as before_usd,
        last_value(cluster_low_usd ignore nulls) over before as before_low_usd,
        last_value(peak_usd ignore nulls) over before as before_peak_usd,
        last_value(nullif(cluster_source, 'none') ignore nulls) over before as before_source,
        {{ place_against('close_usd', 'cluster_low_usd', 'level_usd') }} as close_to_cluster,
        {{ place_against('close_usd', 'before_low_usd', 'before_usd') }} as close_to_cluster_before,
        abs(peak_usd / before_peak_usd - 1) as peak_moved
    from standing
    window before as (order by signal_date rows between unbounded preceding and 1 preceding)
),

moves as (select * from compared where peak_moved > {{ var('level_moved_share') }}),

-- When closes were last on either side of the cluster that the level moved to.
sides as (
    select
        moves.signal_date,
        max(path.observed_date) filter (where path.close_usd >= moves.cluster_high_usd) as last_above_date,
        max(path.observed_date) filter (where path.close_usd <= moves.cluster_low_usd) as last_below_date
    from moves
    join path on path.signal_date = moves.signal_date
    group by moves.signal_date
),

closes_through as (
    select
        moves.signal_date,
        min(path.observed_date) as closed_through_date
    from moves
    join sides on sides.signal_date = moves.signal_date
    join path
        on path.signal_date = moves.signal_date
        and path.observed_date > least(sides.last_above_date, sides.last_below_date)
    where
        case
            when sides.last_above_date < sides.last_below_date then path.close_usd <= moves.cluster_low_usd
            when sides.last_below_date < sides.last_above_date then path.close_usd >= moves.cluster_high_usd
        end
    group by moves.signal_date
),

-- Was there a node already, and where a profile of that day is loaded at all?
known_before as (
    select
        moves.signal_date,
        bool_or(abs(ln(nodes.peak_usd / moves.peak_usd)) <= {{ var('level_same_zone') }}) as is_known_zone
    from moves
    join nodes
        on nodes.signal_date = moves.signal_date - {{ var('level_known_days') }}
        and nodes.cluster_source = moves.cluster_source
    group by moves.signal_date
),

reasons as (
    select
        moves.signal_date,
        moves.before_usd as moved_from_usd,
        moves.before_low_usd as moved_from_low_usd,
        moves.before_source as moved_from_source,
        closes_through.closed_through_date,
        case
            when moves.cluster_source = 'analyst' then 'analyst_begins'
            when moves.before_source = 'analyst' then 'analyst_ends'
            when moves.cluster_source <> moves.before_source then 'source'
            when moves.peak_moved <= {{ var('level_redrawn_share') }} then 'redrawn'
            when not known_before.is_known_zone then 'node_formed'
            when closes_through.closed_through_date > moves.signal_date - {{ var('level_there_days') }}
                then 'price_closed_through'
            else 'price_reached'
        end as moved_because
    from moves
    left join closes_through on closes_through.signal_date = moves.signal_date
    left join known_before on known_before.signal_date = moves.signal_date
),

nearest as (
    select
        standing.signal_date,
        max(nodes.low_usd) filter (where nodes.high_usd <= standing.close_usd) as floor_low_usd,
        max(nodes.high_usd) filter (where nodes.high_usd <= standing.close_usd) as floor_high_usd,
        min(nodes.low_usd) filter (where nodes.low_usd > standing.close_usd) as ceiling_low_usd,
        min(nodes.high_usd) filter (where nodes.low_usd > standing.close_usd) as ceiling_high_usd
    from standing
    join nodes on nodes.signal_date = standing.signal_date and nodes.cluster_source = standing.profile_source
    group by standing.signal_date
),

joined as (
    select
        compared.* exclude (
            close_usd, profile_source, before_usd, before_low_usd, before_peak_usd, before_source,
            close_to_cluster_before, peak_moved
        ),
        reasons.moved_from_usd,
        reasons.moved_because,
        case
            when reasons.signal_date is null and compared.close_to_cluster <> compared.close_to_cluster_before
                then compared.before_usd
        end as redrawn_from_usd,
        coalesce(
            max(reasons.signal_date) over so_far,
            min(case when compared.level_usd is not null then compared.signal_date end) over so_far
        ) as level_since,
        last_value(reasons.moved_from_usd ignore nulls) over so_far as level_before_usd,
        last_value(reasons.moved_from_low_usd ignore nulls) over so_far as level_before_low_usd,
        last_value(reasons.moved_from_source ignore nulls) over so_far as level_before_source,
        last_value(reasons.moved_because ignore nulls) over so_far as level_moved_because,
        case
            when level_moved_because = 'price_closed_through'
                then last_value(reasons.closed_through_date ignore nulls) over so_far
        end as level_closed_through_date,
        nearest.floor_low_usd,
        nearest.floor_high_usd,
        nearest.ceiling_low_usd,
        nearest.ceiling_high_usd
    from compared
    left join reasons on reasons.signal_date = compared.signal_date
    left join nearest on nearest.signal_date = compared.signal_date
    window so_far as (order by compared.signal_date rows between unbounded preceding and current row)
)

select * from joined
