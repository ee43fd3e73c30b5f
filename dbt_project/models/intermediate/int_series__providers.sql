-- One row per series and provider: order of preference, how long a reading is fresh and whether its values may be
-- republished, both from the declarations of the datasets it is made of (the strictest wins).
with

series as (select * from {{ ref('series') }}),

datasets as (
    select * from {{ source('raw', 'dataset') }}
    union all by name
    select * from {{ source('analytics', 'dataset') }}
),

unnested as (
    select
        series_id,
        provider,
        priority,
        trim(unnest(string_split(datasets, ';'))) as dataset_id
    from series
),

declared as (
    select
        unnested.series_id,
        unnested.provider,
        any_value(unnested.priority) as priority,
        min(datasets.fresh_for_s) / 86400.0 as fresh_for_days,
        bool_or(datasets.calendar = 'us_trading') as is_trading_day_data,
        max(datasets.period_s + datasets.publication_lag_s + datasets.final_after_s) as final_after_s,
        bool_and(datasets.may_republish) as may_republish,
        bool_or(datasets.restates) as restates
    from unnested
    join datasets on datasets.dataset_id = unnested.dataset_id
    group by unnested.series_id, unnested.provider
)

select * from declared
