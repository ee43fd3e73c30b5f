-- One row per day: the last snapshot of the option chain stamped on that date. A snapshot is one answer of the venue,
-- so it is complete or it is not there, and nothing that comes later under the same stamp changes it.
with

chain as (select * from {{ source('staging', 'stg_deribit__option_chain') }}),

snapshots as (
    select
        observed_date,
        snapshot_time,
        min(known_at) as known_at,
        min_by(known_at_basis, known_at) as known_at_basis,
        min(known_from) as known_from
    from chain
    group by observed_date, snapshot_time
),

last_of_day as (
    select * from snapshots
    qualify row_number() over (partition by observed_date order by snapshot_time desc) = 1
)

select * from last_of_day
