-- One row per trading date, fund and version: `first_print` is what stood there first, `is_latest` marks the settled
-- one. The fund TOTAL is the sum that the page prints.
with

cells as (select * from {{ ref('stg_farside__etf_flow') }}),

dates as (select * from {{ ref('int_etf__dates') }}),

reported as (
    select
        cells.observed_date as signal_date,
        cells.fund,
        cells.flow_usd,
        coalesce(dates.is_complete, false) as is_final,
        cells.known_at,
        cells.known_at_basis,
        row_number() over (partition by cells.observed_date, cells.fund order by cells.known_at) = 1 as is_first_print,
        row_number() over (partition by cells.observed_date, cells.fund order by cells.known_at desc) = 1 as is_latest
    from cells
    left join dates on dates.observed_date = cells.observed_date and dates.known_until is null
    where cells.flow_usd is not null
)

select * from reported
