{#
  Windows over readings, as a reader sees them on a signal date.

  A frame holds, for every reader and date, the readings of the provider in use from the newest one back:
  `days_back` counts calendar days from the newest reading. Each reading is the version that the reader sees on that
  date. A numbered frame has `reading_number` as well, which counts readings (1 = newest), so that a weekend does not
  break a window of trading dates.

  Doubles are added up in a stated order, here and in every model: the last digits of a sum hang on its order, and the
  same rows must give the same reading to the last bit, however many others lie beside them.
#}

{% macro frame(series, lookback_days) -%}
    select
        in_use.knowledge,
        in_use.signal_date,
        in_use.series_id,
        observations.observed_date,
        observations.value,
        in_use.observed_date - observations.observed_date as days_back
    from {{ ref('int_series__in_use') }} as in_use
    join {{ ref('int_observations__unioned') }} as observations
        on observations.series_id = in_use.series_id
        and observations.provider = in_use.provider
        and observations.observed_date between in_use.observed_date - {{ lookback_days }} and in_use.observed_date
        and {{ sees('in_use', 'observations') }}
    where in_use.series_id in ('{{ series | join("', '") }}')
{%- endmacro %}

{% macro numbered_frame(series, lookback_days) -%}
    select
        *,
        row_number() over (partition by knowledge, signal_date, series_id order by days_back) as reading_number
    from ({{ frame(series, lookback_days) }})
{%- endmacro %}

{# The value of a series a number of calendar days before its newest reading. #}
{% macro value_at(series, days_back=0) -%}
    max(value) filter (where series_id = '{{ series }}' and days_back = {{ days_back }})
{%- endmacro %}

{# The value of the n-th newest reading of a numbered frame. #}
{% macro reading(series, number=1) -%}
    max(value) filter (where series_id = '{{ series }}' and reading_number = {{ number }})
{%- endmacro %}

{# An aggregate over the days from `first` to `last` days back; null unless every day has a reading. #}
{% macro over_days(aggregate, series, first, last, value='value') -%}
    case
        when count(value) filter (where series_id = '{{ series }}' and days_back between {{ first }} and {{ last }})
            = {{ last - first + 1 }}
            then {{ aggregate }}({{ value }} order by days_back)
                filter (where series_id = '{{ series }}' and days_back between {{ first }} and {{ last }})
    end
{%- endmacro %}

{# An aggregate over the readings numbered `first` to `last` of a numbered frame; null unless there are as many. #}
{% macro over_readings(aggregate, series, first, last) -%}
    case
        when count(value) filter (where series_id = '{{ series }}' and reading_number between {{ first }} and {{ last }})
            = {{ last - first + 1 }}
            then {{ aggregate }}(value order by reading_number)
                filter (where series_id = '{{ series }}' and reading_number between {{ first }} and {{ last }})
    end
{%- endmacro %}

{# Change in percent between two readings, null where the earlier one is missing or zero. #}
{% macro change_pct(later, earlier) -%}
    100 * ({{ later }} / nullif({{ earlier }}, 0) - 1)
{%- endmacro %}

{# Turns a wide frame of signals (knowledge, signal_date, one column a signal) into rows, nulls left out. #}
{% macro signals_long(relation) -%}
    select
        knowledge,
        signal_date,
        signal_id,
        value
    from (from {{ relation }} unpivot (value for signal_id in (columns(* exclude (knowledge, signal_date)))))
    where isfinite(value)
{%- endmacro %}
