{#
  Who knew what when.

  A signal date D is read at its cut-off, 01:00 UTC of the next day. A version that became known at `known_at`
  is seen by every date whose cut-off is at or after that instant. The views of staging say it in dates, `known_from`
  and `known_until`, so that "was it known on D?" is a plain comparison of dates.
#}

{% macro as_of() %}cast('{{ var("as_of") }}' as timestamp){% endmacro %}

{# The first date whose cut-off is at or after an instant. #}
{% macro first_date_that_knows(instant) -%}
    cast({{ instant }} - interval {{ var("cut_off_hours") }} hours - interval 1 microsecond as date) + 1
{%- endmacro %}

{# Is a version (alias `version`) the one that a date (alias `reader`) sees? For the settled reading: the latest. #}
{% macro sees(reader, version) -%}
    case
        when {{ reader }}.knowledge = 'settled' then {{ version }}.known_until is null
        else {{ stands_on(version, reader ~ '.signal_date') }}
    end
{%- endmacro %}

{# Had a UTC day ended at `as_of`? A day that runs has readings already, but they are not yet the day's. #}
{% macro has_ended(day) -%}
    {{ day }} <= (select last_closed_date from {{ ref('int_calendar__horizon') }})
{%- endmacro %}

{#
  Is a version (alias `version`) the one that stands on a date, for whoever reads on it? Two plain comparisons: an `or`
  in the condition of an outer join would compare every row with every other.
#}
{% macro stands_on(version, moment) -%}
    {{ version }}.known_from <= {{ moment }}
    and {{ moment }} < coalesce({{ version }}.known_until, date 'infinity')
{%- endmacro %}

{#
  The basis of a reading that several versions make up, as an aggregate: as weak as the weakest of them. The publication
  time is assumed from a declared lag, or observed when we fetched the value, or stated by the source.
#}
{% macro weakest_basis(basis) -%}
    case
        when bool_or({{ basis }} = 'assumed') then 'assumed'
        when bool_or({{ basis }} = 'observed') then 'observed'
        else any_value({{ basis }})
    end
{%- endmacro %}

{# The same of two versions in one row. #}
{% macro weaker_basis(one, other) -%}
    case
        when 'assumed' in ({{ one }}, {{ other }}) then 'assumed'
        when 'observed' in ({{ one }}, {{ other }}) then 'observed'
        else {{ one }}
    end
{%- endmacro %}

{#
  Pools the pieces of one reading (venues of a price, funds of a flow) into versions of the pooled reading.
  A new version begins whenever one of its pieces does.
  `aggregates` is a list of select expressions over the pieces.
#}
{% macro pooled(pieces, grain, aggregates) -%}
    select
        {{ grain }},
        moment as known_from,
        lead(moment) over (partition by {{ grain }} order by moment) as known_until,
        * exclude ({{ grain }}, moment)
    from (
        select
            {{ grain }},
            moments.moment,
            max(pieces.known_at) as known_at,
            {{ weakest_basis('pieces.known_at_basis') }} as known_at_basis,
            {{ aggregates | join(',\n            ') }}
        from (select distinct {{ grain }}, known_from as moment from {{ pieces }}) as moments
        join {{ pieces }} as pieces using ({{ grain }})
        where {{ stands_on('pieces', 'moments.moment') }}
        group by {{ grain }}, moments.moment
    )
{%- endmacro %}

{#
  One row per signal, provider and observation of a relation of as-known readings: the first date that showed it, and how
  it read then. What percentiles and z-scores compare a reading with.
#}
{% macro first_appearances(readings) -%}
    select
        signal_id,
        provider,
        observed_date,
        min(signal_date) as appeared_on,
        arg_min(value, signal_date) as value
    from {{ readings }}
    group by signal_id, provider, observed_date
{%- endmacro %}
