-- One row per date and bucket that anything flips: the smallest single change, else the several that do it together.
with

readings as (select * from {{ ref('int_flips__readings') }}),

nearest as (
    select
        *,
        cast(null as varchar) as flip_also_needs
    from {{ ref('int_flips__single') }}
    union all by name
    select * from {{ ref('int_flips__joint') }}
),

valued as (
    select
        nearest.*,
        readings.value + nearest.flip_distance as flip_value
    from nearest
    join readings
        on readings.signal_date = nearest.signal_date
        and readings.signal_id = nearest.flip_signal_id
    -- Where the change leads to `unknown` first, what lies beyond cannot be said.
    where nearest.flip_to_state <> 'unknown'
)

select * from valued
