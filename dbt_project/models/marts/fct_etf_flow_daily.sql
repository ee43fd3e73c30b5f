-- One row per trading date and fund: the settled flow, and beside it what stood there first. The fund TOTAL is the sum
-- that the page prints.
with

cells as (select * from {{ source('staging', 'stg_farside__etf_flow') }}),

dates as (select * from {{ ref('int_etf__dates') }} where provider = 'farside'),

prints as (
    select
        observed_date as signal_date,
        fund,
        arg_max(flow_usd, known_at) as flow_usd,
        max(known_at) as known_at,
        arg_max(known_at_basis, known_at) as known_at_basis,
        arg_min(flow_usd, known_at) as first_print_usd,
        min(known_at) as first_print_at
    from cells
    where flow_usd is not null
    group by observed_date, fund
),

joined as (
    select
        prints.signal_date,
        prints.fund,
        prints.flow_usd,
        coalesce(dates.is_complete, false) as is_final,
        prints.known_at,
        prints.known_at_basis,
        prints.first_print_usd,
        prints.first_print_at
    from prints
    left join dates on dates.observed_date = prints.signal_date and dates.known_until is null
)

select
    signal_date,
    fund,
    flow_usd,
    is_final,
    known_at,
    known_at_basis,
    first_print_usd,
    first_print_at
from joined
