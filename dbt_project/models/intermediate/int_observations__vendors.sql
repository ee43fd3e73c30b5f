-- One row per series, provider, day and version, for vendors that publish a series ready-made: the alternatives to what
-- is computed here, each in its place in the seed `series`. Providers stay apart.
{%- set readings = [
    {'provider': 'glassnode', 'table': 'stg_glassnode__ratio', 'series': 'metric', 'value': 'value'},
    {'provider': 'glassnode', 'table': 'stg_glassnode__hashrate', 'series': "'hashrate_ehs'", 'value': 'hashrate_ehs'},
    {
        'provider': 'bitview', 'table': 'stg_bitview__hashprice', 'series': "'hashprice_usd_ph_day'",
        'value': 'value',
    },
    {'provider': 'bgeometrics', 'table': 'stg_bgeometrics__ratio', 'series': 'metric', 'value': 'value'},
    {
        'provider': 'blockchain', 'table': 'stg_blockchain__hashrate', 'series': "'hashrate_ehs'",
        'value': 'hashrate_ehs'
    },
    {'provider': 'blockchain', 'table': 'stg_blockchain__mvrv', 'series': "'mvrv'", 'value': 'mvrv'},
] %}
with

unioned as (
    {%- for reading in readings %}
    select
        {{ reading.series }} as series_id,
        '{{ reading.provider }}' as provider,
        observed_date,
        {{ reading.value }} as value,
        1 as source_count,
        {{ "'" ~ reading.note ~ "'" if reading.note else 'cast(null as varchar)' }} as method_note,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from {{ source('staging', reading.table) }}
    where {{ reading.value }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from unioned
