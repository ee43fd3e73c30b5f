-- One row per signal: what it means and is used for, its unit and formula, when it is published and from when on it is
-- valid.
{%- set read_by_regimes = regime_values() + regime_percentiles() + regime_open_interest() %}
with

definitions as (select * from {{ ref('signals') }}),

inputs as (select * from {{ ref('int_signals__inputs') }}),

providers as (select * from {{ ref('series') }}),

datasets as (
    select * from {{ source('raw', 'dataset') }}
    union all by name
    select * from {{ source('analytics', 'dataset') }}
),

primaries as (select * from {{ ref('bucket_primaries') }}),

rules as (select * from {{ ref('rules') }}),

readings as (select * from {{ ref('int_signals__readings') }}),

published as (
    select
        inputs.signal_id,
        max(datasets.publication_lag_s) / 3600.0 as publication_lag_h,
        string_agg(distinct datasets.dataset_id, ', ' order by datasets.dataset_id) as datasets
    from inputs
    join providers on providers.series_id = inputs.series_id
    join datasets on contains(providers.datasets, datasets.dataset_id)
    where inputs.is_principal
    group by inputs.signal_id
),

valid as (
    select
        signal_id,
        min(signal_date) as valid_from
    from readings
    group by signal_id
),

joined as (
    select
        definitions.signal_id,
        definitions.bucket,
        definitions.name_en,
        definitions.name_zh,
        definitions.unit,
        definitions.decimals,
        definitions.formula,
        definitions.rise_means as direction,
        published.publication_lag_h,
        valid.valid_from,
        published.datasets,
        definitions.citation,
        primaries.signal_id is not null as is_primary,
        primaries.alternative_rank as primary_rank,
        case
            when primaries.signal_id is not null then 'primary'
            when definitions.signal_id in (select signal_id from rules where signal_id is not null)
                or definitions.signal_id in (
                    {%- for signal in read_by_regimes %}
                    '{{ signal }}'{{ ',' if not loop.last }}
                    {%- endfor %}
                )
                then 'rule'
            else 'context'
        end as used_for
    from definitions
    left join published on published.signal_id = definitions.signal_id
    left join valid on valid.signal_id = definitions.signal_id
    left join primaries on primaries.signal_id = definitions.signal_id
)

select
    signal_id,
    bucket,
    name_en,
    name_zh,
    unit,
    decimals,
    formula,
    direction,
    publication_lag_h,
    valid_from,
    datasets,
    citation,
    is_primary,
    primary_rank,
    used_for
from joined
