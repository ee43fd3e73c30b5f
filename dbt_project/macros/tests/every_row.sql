{#
  What must be true of every row, each with a name: `{name: condition}`. Null counts as broken, so a condition that allows
  it says so. The answer is the broken rows, each with the names of what it breaks.
#}
{% test every_row(model, holds) %}
select
    list_filter([
        {%- for name, condition in holds.items() %}
        case when not coalesce({{ condition }}, false) then '{{ name }}' end
        {{- ',' if not loop.last }}
        {%- endfor %}
    ], lambda name: name is not null) as broken,
    checked.*
from {{ model }} as checked
where len(broken) > 0
{% endtest %}
