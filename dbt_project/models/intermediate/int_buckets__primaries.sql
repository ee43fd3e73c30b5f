-- One row per bucket and date: the primary signal in use (the first of the bucket's that is fresh and whose change is
-- known, else the first that is fresh), and its change against its own lag, turned so that more is better.
with

dates as (select * from {{ ref('int_calendar__signal_dates') }}),

primaries as (select * from {{ ref('bucket_primaries') }}),

readings as (select * from {{ ref('int_signals__as_known') }}),

numbered as (
    select
        *,
        count(*) filter (where is_new_reading) over (
            partition by signal_id, provider order by signal_date rows between unbounded preceding and current row
        ) as reading_number
    from (
        select
            *,
            coalesce(observed_date <> lag(observed_date) over (
                partition by signal_id, provider order by signal_date
            ), true) as is_new_reading
        from readings
        where signal_id in (select signal_id from primaries)
    )
),

closings as (
    select
        signal_id,
        provider,
        reading_number,
        arg_max(value, signal_date) as value
    from numbered
    group by signal_id, provider, reading_number
),

lagged as (
    select
        dates.signal_date,
        primaries.bucket,
        primaries.alternative_rank,
        primaries.signal_id,
        primaries.dead_band,
        primaries.better_when,
        numbered.value,
        numbered.observed_date,
        coalesce(numbered.is_fresh, false) as is_fresh,
        case primaries.lag_unit
            when 'readings' then numbered.value - closings.value
            else numbered.value - days_ago.value
        end * case primaries.better_when when 'lower' then -1 else 1 end as improvement
    from dates
    cross join primaries
    left join numbered on numbered.signal_id = primaries.signal_id and numbered.signal_date = dates.signal_date
    left join closings
        on closings.signal_id = numbered.signal_id
        and closings.provider = numbered.provider
        and closings.reading_number = numbered.reading_number - primaries.lag
    left join numbered as days_ago
        on days_ago.signal_id = numbered.signal_id
        and days_ago.provider = numbered.provider
        and days_ago.signal_date = numbered.signal_date - primaries.lag
),

in_use as (
    select * from lagged
    qualify row_number() over (
        partition by signal_date, bucket order by is_fresh desc, improvement is not null desc, alternative_rank
    ) = 1
)

select * from in_use
