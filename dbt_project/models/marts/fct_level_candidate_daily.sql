-- One row per date, source and node: every band of prices that could be the cluster, which of them is in play, and
-- which is the one in force.
with

nodes as (select * from {{ ref('int_level__nodes') }}),

in_use as (select * from {{ ref('int_level__in_use') }}),

candidates as (
    select
        nodes.signal_date,
        nodes.cluster_source,
        nodes.node_rank as node,
        nodes.low_usd,
        nodes.high_usd,
        nodes.peak_usd,
        100 * nodes.share_of_profile as share_of_profile_pct,
        100 * nodes.dip_left as dip_left_pct,
        100 * nodes.dip_right as dip_right_pct,
        nodes.last_above_date,
        nodes.last_below_date,
        nodes.last_stood_date,
        nodes.crossed_date,
        nodes.distance_to_close_pct,
        nodes.is_candidate as is_in_play,
        nodes.is_at_level,
        -- The cluster in force may have been seen days ago: today's node is the same if it lies in the same zone.
        coalesce(
            in_use.cluster_source = nodes.cluster_source
            and abs(ln(nodes.peak_usd / in_use.peak_usd)) <= {{ var('level_same_zone') }}
            and abs(ln(nodes.peak_usd / in_use.peak_usd)) = min(abs(ln(nodes.peak_usd / in_use.peak_usd))) over (
                partition by nodes.signal_date, nodes.cluster_source
            ),
            false
        ) as is_in_force
    from nodes
    join in_use on in_use.signal_date = nodes.signal_date
)

select
    signal_date,
    cluster_source,
    node,
    low_usd,
    high_usd,
    peak_usd,
    share_of_profile_pct,
    dip_left_pct,
    dip_right_pct,
    last_above_date,
    last_below_date,
    last_stood_date,
    crossed_date,
    distance_to_close_pct,
    is_in_play,
    is_at_level,
    is_in_force
from candidates
