{# Where a close lies against a cluster: from the level on above it, below its lower edge below, else inside. #}
{% macro place_against(close, cluster_low, level) -%}
    case
        when {{ close }} >= {{ level }} then 'above'
        when {{ close }} < {{ cluster_low }} then 'below'
        when {{ close }} < {{ level }} then 'inside'
    end
{%- endmacro %}
