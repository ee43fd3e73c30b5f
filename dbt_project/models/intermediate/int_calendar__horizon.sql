-- One row: the instant up to which this build knows anything, and the last UTC day that had ended by then. It is
-- `as_of`, or the newest answer of any source where that is earlier.
with

loads as (select * from {{ source('raw', 'load_ledger') }}),

horizon as (
    select least({{ as_of() }}, coalesce(max(last_fetched_at), {{ as_of() }})) as known_until_at
    from loads
),

closed as (
    select
        known_until_at,
        cast(known_until_at as date) - 1 as last_closed_date
    from horizon
)

select * from closed
