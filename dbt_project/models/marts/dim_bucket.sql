-- One row a bucket, in the order of the board.
with

buckets as (
    {%- for bucket in var('buckets') %}
    select
        '{{ bucket }}' as bucket,
        {{ loop.index }} as position
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    bucket,
    position
from buckets
