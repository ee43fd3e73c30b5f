-- One row per trading date, fund and version. Null where a fund has no figure yet.
with

versions as ({{ versions('coinglass__etf_flow', 'trade_date, fund', 'trade_date') }}),

renamed as (
    select
        trade_date,
        observed_date,
        fund,
        flow_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
