-- One row per signal and date. `value` is settled: the latest version of everything, for the date itself.
-- `value_as_known` is what could be said at the date's cut-off; where the date's own figure was not out yet it is the
-- last one known, and `age_days` says how old.
with

definitions as (select * from {{ ref('signals') }}),

settled as (select * from {{ ref('int_signals__readings') }} where knowledge = 'settled'),

as_known as (select * from {{ ref('int_signals__as_known') }}),

joined as (
    select
        coalesce(as_known.signal_date, settled.signal_date) as signal_date,
        coalesce(as_known.signal_id, settled.signal_id) as signal_id,
        definitions.bucket,
        definitions.unit,
        settled.value,
        coalesce(settled.is_final, false) as is_final,
        settled.known_at,
        settled.known_at_basis,
        as_known.value as value_as_known,
        as_known.observed_date,
        as_known.age_days,
        as_known.is_fresh,
        as_known.change_1d,
        as_known.change_7d,
        as_known.percentile_365d,
        as_known.zscore_365d,
        as_known.observations_365d,
        coalesce(as_known.provider, settled.provider) as provider,
        -- Count and note go with the provider: the settled reading may come from another.
        case when as_known.provider is null then settled.source_count else as_known.source_count end as source_count,
        case when as_known.provider is null then settled.method_note else as_known.method_note end as method_note,
        coalesce(as_known.publishable, true) and coalesce(settled.publishable, true) as publishable
    from as_known
    full join settled on settled.signal_id = as_known.signal_id and settled.signal_date = as_known.signal_date
    join definitions on definitions.signal_id = coalesce(as_known.signal_id, settled.signal_id)
)

select
    signal_date,
    signal_id,
    bucket,
    unit,
    value,
    is_final,
    known_at,
    known_at_basis,
    value_as_known,
    observed_date,
    age_days,
    is_fresh,
    change_1d,
    change_7d,
    percentile_365d,
    zscore_365d,
    observations_365d,
    provider,
    source_count,
    method_note,
    publishable
from joined
