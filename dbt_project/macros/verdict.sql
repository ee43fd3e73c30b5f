{# What so many conditions met and warnings on say of the level; the numbers are rows of scope `verdict`. #}
{% macro evidence_of(met, warned) -%}
    case
        when {{ met }} >= for_conditions and {{ warned }} <= for_warnings then 'for'
        when {{ warned }} >= against_warnings and {{ met }} <= against_conditions then 'against'
        else 'open'
    end
{%- endmacro %}
