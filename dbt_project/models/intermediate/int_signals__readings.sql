-- One row per reader, signal date and signal, with the day and the source of its principal input. A settled reading
-- belongs to the date itself; an as-known one may be older, and says how old.
with

signals as (select * from {{ ref('int_signals__unioned') }}),

inputs as (select * from {{ ref('int_signals__inputs') }}),

in_use as (select * from {{ ref('int_series__in_use') }}),

observations as (select * from {{ ref('int_observations__unioned') }}),

providers as (select * from {{ ref('int_series__providers') }}),

horizon as (select * from {{ ref('int_calendar__horizon') }}),

principal as (
    select
        signals.knowledge,
        signals.signal_date,
        signals.signal_id,
        signals.value,
        in_use.provider,
        in_use.observed_date,
        in_use.age_days,
        in_use.is_fresh,
        observations.source_count,
        observations.method_note,
        observations.known_at,
        observations.known_at_basis,
        horizon.known_until_at >= in_use.observed_date + to_seconds(providers.final_after_s) as is_final
    from signals
    join inputs on inputs.signal_id = signals.signal_id and inputs.is_principal
    join in_use on in_use.knowledge = signals.knowledge
        and in_use.signal_date = signals.signal_date
        and in_use.series_id = inputs.series_id
    join observations on observations.series_id = in_use.series_id
        and observations.provider = in_use.provider
        and observations.observed_date = in_use.observed_date
        and {{ sees('in_use', 'observations') }}
    join providers on providers.series_id = in_use.series_id and providers.provider = in_use.provider
    cross join horizon
),

-- A signal may be republished only if every one of its inputs may.
rights as (
    select
        in_use.knowledge,
        in_use.signal_date,
        inputs.signal_id,
        bool_and(providers.may_republish) as publishable
    from inputs
    join in_use on in_use.series_id = inputs.series_id
    join providers on providers.series_id = in_use.series_id and providers.provider = in_use.provider
    group by in_use.knowledge, in_use.signal_date, inputs.signal_id
),

readings as (
    select
        principal.*,
        rights.publishable
    from principal
    join rights on rights.knowledge = principal.knowledge
        and rights.signal_date = principal.signal_date
        and rights.signal_id = principal.signal_id
)

select * from readings
