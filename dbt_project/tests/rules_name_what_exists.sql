-- Names that one seed uses and another should define: a misspelt one would make a rule silently unknown for ever.
{{ config(meta={"dagster": {"ref": {"name": "rules"}}}) }}
with

rules as (select * from {{ ref('rules') }}),

signals as (select * from {{ ref('signals') }}),

inputs as (select * from {{ ref('int_signals__inputs') }}),

series as (select * from {{ ref('series') }}),

primaries as (select * from {{ ref('bucket_primaries') }}),

symbols as (select * from {{ ref('macro_symbols') }}),

datasets as (
    select * from {{ source('raw', 'dataset') }}
    union all by name
    select * from {{ source('analytics', 'dataset') }}
),

named_datasets as (
    select
        series_id,
        trim(unnest(string_split(datasets, ';'))) as dataset_id
    from series
),

broken as (
    select 'rule ' || rule_id || ' reads the unknown signal ' || signal_id as problem
    from rules
    where signal_id not in (select signal_id from signals)
        and not (scope = 'framework' and signal_id = 'days_since_capitulation')
        and not (scope = 'framework' and signal_id in (select 'state_' || bucket from primaries))
    union all
    select 'rule ' || rule_id || ' reads nothing' as problem
    from rules
    where direction <> 'threshold'
        and signal_id is null
    union all
    select 'signal ' || signal_id || ' is computed from the unknown series ' || series_id as problem
    from inputs
    where series_id not in (select series_id from series)
    union all
    select 'signal ' || signal_id || ' has no principal input' as problem
    from signals
    where signal_id not in (select signal_id from inputs where is_principal)
    union all
    select 'series ' || series_id || ' is made of the undeclared dataset ' || dataset_id as problem
    from named_datasets
    where dataset_id not in (select dataset_id from datasets)
    union all
    select 'bucket ' || bucket || ' has the unknown primary ' || signal_id as problem
    from primaries
    where signal_id not in (select signal_id from signals)
    union all
    select 'symbol ' || symbols.symbol || ' belongs to no provider of ' || symbols.series_id as problem
    from symbols
    anti join series on symbols.series_id = series.series_id and symbols.provider = series.provider
)

select * from broken
