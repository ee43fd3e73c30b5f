{# Sentences out of tables of phrases, in each language; what fills the gaps is given by name. #}

{# A price as a reader sees it: whole dollars, thousands apart by a narrow space; cents under ten dollars. #}
{% macro price_text(price) -%}
    case
        when {{ price }} < 10 then format('{:.2f}', {{ price }})
        else replace(format('{:,.0f}', {{ price }}), ',', '{{ '\u202f' }}')
    end
{%- endmacro %}

{# A date as a sentence of another date says it; the year only where it is another. #}
{% macro day_text(day, of_day, language) -%}
    {%- if language == 'zh' -%}
    case when year({{ day }}) <> year({{ of_day }}) then strftime({{ day }}, '%Y年') else '' end
    || strftime({{ day }}, '%-m月%-d日')
    {%- else -%}
    strftime({{ day }}, '%-d %b') || case when year({{ day }}) <> year({{ of_day }}) then strftime({{ day }}, ' %Y') else '' end
    {%- endif -%}
{%- endmacro %}

{# A phrase of the table with its gaps filled; null where the phrase or one of its values is. #}
{% macro phrase(language, key, gaps={}) -%}
    {%- set filled = namespace(text='phrases.' ~ language ~ '[' ~ key ~ ']') -%}
    {%- for name, value in gaps.items() -%}
        {%- set filled.text = 'replace(' ~ filled.text ~ ", '{" ~ name ~ "}', coalesce(" ~ value ~ ", ''))" -%}
    {%- endfor -%}
    {{ filled.text }}
{%- endmacro %}
