-- One row per date within 14 days after a capitulation: is a relief rally on? It begins when the close stands far
-- enough above the lowest low since the fall, and ends for good when two thirds of the rebound are given back, or when
-- the condition of a recovery has held. One self-join over the days since the fall; no state is carried.
with

context as (select * from {{ ref('int_regime__context') }}),

since_fall as (
    select
        signal_date,
        last_trigger_date,
        btc_close_usd,
        relief_given_back,
        is_recovery,
        min(btc_low_usd) over so_far as lowest_low_usd,
        btc_close_usd >= lowest_low_usd
            * (1 + greatest(relief_floor_pct, relief_deviations * btc_return_stddev_30d_pct) / 100)
        and signal_date > last_trigger_date as is_rebound
    from context
    where signal_date <= last_trigger_date + cast(relief_days as integer)
    window so_far as (
        partition by last_trigger_date order by signal_date rows between unbounded preceding and current row
    )
),

entries as (
    select
        last_trigger_date,
        min(signal_date) as entered_date,
        arg_min(lowest_low_usd, signal_date) as lowest_low_usd
    from since_fall
    where is_rebound
    group by last_trigger_date
),

since_entry as (
    select
        since_fall.signal_date,
        since_fall.last_trigger_date,
        entries.entered_date,
        entries.lowest_low_usd,
        max(since_fall.btc_close_usd) over so_far as highest_close_usd,
        since_fall.btc_close_usd
        <= highest_close_usd - since_fall.relief_given_back * (highest_close_usd - entries.lowest_low_usd)
        or coalesce(since_fall.is_recovery, false) as is_over
    from since_fall
    join entries
        on entries.last_trigger_date = since_fall.last_trigger_date
        and since_fall.signal_date >= entries.entered_date
    window so_far as (
        partition by since_fall.last_trigger_date order by since_fall.signal_date
        rows between unbounded preceding and current row
    )
),

judged as (
    select
        signal_date,
        entered_date,
        lowest_low_usd,
        not bool_or(is_over) over (
            partition by last_trigger_date order by signal_date rows between unbounded preceding and current row
        ) as is_relief
    from since_entry
)

select * from judged
