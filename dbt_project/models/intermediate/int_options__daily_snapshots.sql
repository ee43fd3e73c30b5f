-- One row per venue and day: the last snapshot of its option chain stamped on that date. A snapshot is one answer of
-- the venue, so it is complete or it is not there, and nothing that comes later under the same stamp changes it. Of the
-- venues of a day the first in the order of the seed `series` stands for it; the others are never mixed in.
{%- set columns %}
        venue,
        observed_date,
        snapshot_time,
        known_at,
        known_at_basis,
        known_from
{%- endset %}
with

chains as (
    select {{- columns }}
    from {{ source('staging', 'stg_deribit__option_chain') }}
    union all
    select {{- columns }}
    from {{ source('staging', 'stg_okx__option_summary') }}
),

providers as (select * from {{ ref('int_series__providers') }} where series_id = 'atm_iv_30d'),

snapshots as (
    select
        venue,
        observed_date,
        snapshot_time,
        min(known_at) as known_at,
        min_by(known_at_basis, known_at) as known_at_basis,
        min(known_from) as known_from
    from chains
    group by venue, observed_date, snapshot_time
),

last_of_day as (
    select * from snapshots
    qualify row_number() over (partition by venue, observed_date order by snapshot_time desc) = 1
),

ranked as (
    select
        last_of_day.*,
        row_number() over (partition by last_of_day.observed_date order by providers.priority) = 1 as stands_for_day
    from last_of_day
    join providers on providers.provider = last_of_day.venue
)

select * from ranked
