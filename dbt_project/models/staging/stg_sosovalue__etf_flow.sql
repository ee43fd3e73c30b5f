-- One row per trading date and version, USD.
with

versions as ({{ versions('sosovalue__etf_flow', 'trade_date', 'trade_date') }}),

renamed as (
    select
        trade_date,
        observed_date,
        net_inflow_usd,
        value_traded_usd,
        net_assets_usd,
        cumulative_net_inflow_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
