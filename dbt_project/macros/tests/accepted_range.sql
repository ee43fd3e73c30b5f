{# Columns within their ranges, in their own units: `{column: [lowest, highest]}`, either end null for none. A null passes. #}
{% test accepted_range(model, columns) %}
{%- for column, (lowest, highest) in columns.items() %}
select
    '{{ column }}' as broken_column,
    {{ column }} as value,
    count(*) as row_count
from {{ model }}
where not isfinite({{ column }})
{%- if lowest is not none %}
    or {{ column }} < {{ lowest }}
{%- endif %}
{%- if highest is not none %}
    or {{ column }} > {{ highest }}
{%- endif %}
group by all
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{% endtest %}
