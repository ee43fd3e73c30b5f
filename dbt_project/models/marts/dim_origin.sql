-- One row: where every value in this warehouse comes from. Simulated rows never meet real ones.
with

origin as (
    select
        '{{ var("origin") }}' as origin,
        {{ as_of() }} as as_of,
        '{{ var("code_version") }}' as code_version
),

judged as (
    select
        origin,
        lower(origin) like '%simulated%' as is_simulated,
        as_of,
        code_version
    from origin
)

select
    origin,
    is_simulated,
    as_of,
    code_version
from judged
