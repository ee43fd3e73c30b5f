-- One row per method of forecasting: what it is, its parameters, since when it is published or runs in the shadow.
with

methods as (select * from {{ ref('forecast_methods') }})

select
    method,
    role,
    text_en,
    text_zh,
    parameters,
    valid_from
from methods
