-- One row per trading date, fund and version. A dash on the page is null: not reported yet, or no such fund then.
with

versions as ({{ versions('farside__etf_flow', 'trade_date, fund', 'trade_date') }}),

renamed as (
    select
        trade_date,
        observed_date,
        fund,
        flow_usd,
        is_highlighted,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
