-- One row per UTC day and version. A metric that is not out yet is null.
with

versions as ({{ versions('coinmetrics__asset_metric', 'metric_date', 'metric_date') }}),

renamed as (
    select
        observed_date,
        price_usd,
        market_cap_usd,
        mvrv,
        hashrate_ths / 1e6 as hashrate_ehs,
        issuance_usd,
        fees_btc,
        supply_btc,
        block_count,
        transaction_count,
        active_addresses,
        exchange_inflow_usd,
        exchange_outflow_usd,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
