-- One row per signal and series that it is computed from; `is_principal` marks the one that gives the reading its date,
-- age and source.
with

signals as (select * from {{ ref('signals') }}),

unnested as (
    select
        signal_id,
        unnest(string_split(inputs, ';')) as series_id,
        generate_subscripts(string_split(inputs, ';'), 1) as position
    from signals
),

inputs as (
    select
        signal_id,
        trim(series_id) as series_id,
        position = 1 as is_principal
    from unnested
)

select * from inputs
