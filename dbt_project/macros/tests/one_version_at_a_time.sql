{#
  Of the versions of a key that any date can see, each ends where the next begins and only the newest stays open:
  a reader on any date sees one. No part of a key is null.
#}
{% test one_version_at_a_time(model, key) %}
{{ overlapping_versions(model, key) }}
{% endtest %}

{% macro overlapping_versions(relation, key) %}
select
    {{ key | join(', ') }},
    known_from,
    known_until,
    lead(known_from) over (partition by {{ key | join(', ') }} order by known_from) as next_known_from
from {{ relation }}
where known_until is null
    or known_from < known_until
qualify known_until > next_known_from
    or (known_until is null and next_known_from is not null)
{%- for column in key %}
    or {{ column }} is null
{%- endfor %}
{% endmacro %}
