-- One row per series, provider, day and version: every daily reading that signals are made from, with the range of
-- signal dates that see the version (`known_from` up to but not including `known_until`).
with

unioned as (
    {%- for subject in [
        'price', 'funding', 'funding_hours', 'open_interest', 'liquidations', 'options', 'etf', 'onchain', 'mining',
        'chain', 'cost_basis', 'macro', 'btc_new_york_close', 'vendors',
    ] %}
    select series_id, provider, observed_date, value, source_count, method_note, known_at, known_at_basis, known_from,
        known_until
    from {{ ref('int_observations__' ~ subject) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from unioned
where isfinite(value)
