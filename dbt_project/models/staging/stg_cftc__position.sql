-- One row per contract, Tuesday and version: positions in CME bitcoin futures, known from the Friday on.
with

versions as ({{ versions('cftc__position', 'contract_code, report_date', 'report_date') }}),

renamed as (
    select
        contract_code,
        observed_date,
        open_interest_contracts,
        open_interest_btc,
        dealer_positions_long as dealers_long,
        dealer_positions_short as dealers_short,
        asset_mgr_positions_long as asset_managers_long,
        asset_mgr_positions_short as asset_managers_short,
        lev_money_positions_long as leveraged_funds_long,
        lev_money_positions_short as leveraged_funds_short,
        lev_money_positions_spread as leveraged_funds_spread,
        known_at,
        known_at_basis,
        known_from,
        known_until
    from versions
)

select * from renamed
