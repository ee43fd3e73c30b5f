{#
  Black's 1976 price of an option on a forward, in units of the forward, undiscounted: what the venue quotes in bitcoin.
  `moneyness` is strike / forward, `deviation` is volatility times the square root of years.
  Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976).
#}
{% macro black76_price(option_type, moneyness, deviation) -%}
    {%- set d1 = '(-ln(' ~ moneyness ~ ') / (' ~ deviation ~ ') + (' ~ deviation ~ ') / 2)' -%}
    {%- set d2 = '(-ln(' ~ moneyness ~ ') / (' ~ deviation ~ ') - (' ~ deviation ~ ') / 2)' -%}
    case {{ option_type }}
        when 'C' then {{ normal_below(d1) }} - {{ moneyness }} * {{ normal_below(d2) }}
        when 'P' then {{ moneyness }} * (1 - {{ normal_below(d2) }}) - (1 - {{ normal_below(d1) }})
    end
{%- endmacro %}

{#
  Chance that a standard normal variable lies below x, to 7.5e-8.
  Source: M. Abramowitz and I. Stegun, Handbook of Mathematical Functions (1964), formula 26.2.17.
#}
{% macro normal_below(x) -%}
    {%- set t = '(1 / (1 + 0.2316419 * abs(' ~ x ~ ')))' -%}
    {%- set tail -%}
        (exp(-pow({{ x }}, 2) / 2) / sqrt(2 * pi()) * {{ t }} * (0.319381530 + {{ t }} * (-0.356563782
        + {{ t }} * (1.781477937 + {{ t }} * (-1.821255978 + {{ t }} * 1.330274429)))))
    {%- endset -%}
    (case when {{ x }} >= 0 then 1 - {{ tail }} else {{ tail }} end)
{%- endmacro %}
