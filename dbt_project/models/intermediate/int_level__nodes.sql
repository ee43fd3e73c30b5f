-- One row per date, source and node: a band of prices where much changed hands, or where much supply was bought. A node
-- is a bin higher than all around it with a dip to either side; its cluster is the run of bins nearly as high. One node
-- of a date and source is the candidate: the one on whose other side closes were most recently, or, where that is far
-- away, the one that closes last stood in or jumped over.
with

profiles as (select * from {{ ref('int_level__profiles') }}),

path as (select * from {{ ref('int_level__path') }}),

shapes as (
    select
        *,
        sum(density) over (partition by signal_date, cluster_source) as whole,
        max(density) over (
            by_bin rows between {{ var('level_apart_bins') }} preceding and {{ var('level_apart_bins') }} following
        ) as highest,
        min(density) over (by_bin rows between {{ 2 * var('level_apart_bins') }} preceding and current row) as low_left,
        min(density) over (by_bin rows between current row and {{ 2 * var('level_apart_bins') }} following) as low_right
    from profiles
    window by_bin as (partition by signal_date, cluster_source order by bin)
),

peaks as (
    select
        *,
        row_number() over (partition by signal_date, cluster_source order by density desc, bin) as node_rank
    from shapes
    where density > 0
        and density >= highest
        and greatest(low_left, low_right) <= {{ var('level_depth') }} * density
),

{%- set least_bins, most_bins = var('level_half_width_bins') %}

-- The first bins to either side that are too low.
runs as (
    select
        peaks.signal_date,
        peaks.cluster_source,
        peaks.bin,
        max(around.bin) filter (where around.bin < peaks.bin) as below_bin,
        min(around.bin) filter (where around.bin > peaks.bin) as above_bin
    from peaks
    left join shapes as around
        on around.signal_date = peaks.signal_date
        and around.cluster_source = peaks.cluster_source
        and around.bin between peaks.bin - {{ most_bins }} and peaks.bin + {{ most_bins }}
        and around.density < {{ var('level_edge') }} * peaks.density
    group by peaks.signal_date, peaks.cluster_source, peaks.bin
),

edges as (
    select
        peaks.*,
        least(peaks.bin - {{ least_bins }}, coalesce(runs.below_bin + 1, peaks.bin - {{ most_bins }})) as low_bin,
        greatest(peaks.bin + {{ least_bins }}, coalesce(runs.above_bin - 1, peaks.bin + {{ most_bins }})) as high_bin
    from peaks
    join runs
        on runs.signal_date = peaks.signal_date
        and runs.cluster_source = peaks.cluster_source
        and runs.bin = peaks.bin
),

bounds as (
    select
        edges.signal_date,
        edges.cluster_source,
        edges.node_rank,
        exp({{ var('level_bin') }} * edges.low_bin) as low_usd,
        exp({{ var('level_bin') }} * (edges.high_bin + 1)) as high_usd,
        exp({{ var('level_bin') }} * (edges.bin + 0.5)) as peak_usd,
        sum(inside.density) / any_value(edges.whole) as share_of_profile,
        1 - edges.low_left / edges.density as dip_left,
        1 - edges.low_right / edges.density as dip_right
    from edges
    join shapes as inside
        on inside.signal_date = edges.signal_date
        and inside.cluster_source = edges.cluster_source
        and inside.bin between edges.low_bin and edges.high_bin
    group by all
),

visits as (
    select
        bounds.*,
        max(path.observed_date) filter (where path.close_usd >= bounds.high_usd) as last_above_date,
        max(path.observed_date) filter (where path.close_usd <= bounds.low_usd) as last_below_date,
        max(path.observed_date) filter (
            where greatest(path.close_usd, path.previous_close_usd) >= bounds.low_usd
                and least(path.close_usd, path.previous_close_usd) <= bounds.high_usd
        ) as last_stood_date,
        max(path.close_usd) filter (where path.observed_date = path.signal_date) as close_usd,
        min(path.close_usd) as lowest_close_usd,
        max(path.close_usd) as highest_close_usd,
        max(path.high_usd) filter (where path.observed_date > path.signal_date - {{ var('level_there_days') }})
            as recent_high_usd,
        min(path.low_usd) filter (where path.observed_date > path.signal_date - {{ var('level_there_days') }})
            as recent_low_usd
    from bounds
    join path on path.signal_date = bounds.signal_date
    group by all
),

within_reach as (
    select
        *,
        case
            when last_above_date is not null and last_below_date is not null
                then least(last_above_date, last_below_date)
        end as crossed_date
    from visits
    where cluster_source <> 'cost_basis'
        or peak_usd between lowest_close_usd * exp(-{{ var('level_reach') }})
        and highest_close_usd * exp({{ var('level_reach') }})
),

ranked as (
    select
        *,
        row_number() over (
            partition by signal_date, cluster_source
            order by crossed_date desc nulls last, abs(ln(peak_usd / close_usd))
        ) as by_crossing,
        row_number() over (
            partition by signal_date, cluster_source
            order by last_stood_date desc nulls last, abs(ln(peak_usd / close_usd))
        ) as by_standing
    from within_reach
),

-- The node in play, and whether it is too far away.
crossed as (
    select
        signal_date,
        cluster_source,
        greatest(ln(low_usd / close_usd), ln(close_usd / high_usd)) > {{ var('level_far') }} as is_far
    from ranked
    where by_crossing = 1
        and crossed_date is not null
        and close_usd is not null
),

nodes as (
    select
        ranked.signal_date,
        ranked.cluster_source,
        ranked.node_rank,
        ranked.low_usd,
        ranked.high_usd,
        ranked.peak_usd,
        ranked.share_of_profile,
        ranked.dip_left,
        ranked.dip_right,
        ranked.last_above_date,
        ranked.last_below_date,
        ranked.last_stood_date,
        ranked.crossed_date,
        100 * (ranked.peak_usd / ranked.close_usd - 1) as distance_to_close_pct,
        coalesce(case
            when crossed.is_far and bool_or(ranked.last_stood_date is not null) over (
                partition by ranked.signal_date, ranked.cluster_source
            ) then ranked.by_standing = 1
            else crossed.is_far is not null and ranked.by_crossing = 1
        end, false) as is_candidate,
        ranked.recent_high_usd >= ranked.low_usd and ranked.recent_low_usd <= ranked.high_usd as is_at_level
    from ranked
    left join crossed
        on crossed.signal_date = ranked.signal_date and crossed.cluster_source = ranked.cluster_source
)

select * from nodes
