-- One row per closed day that has a return: what the return moved with.
with

days as (select * from {{ ref('int_attribution__daily') }})

select
    signal_date,
    return_pct,
    macro_pct,
    positioning_pct,
    spot_demand_pct,
    unexplained_pct,
    r2,
    r2_out_of_sample,
    observations,
    macro_inputs,
    positioning_inputs,
    spot_demand_inputs,
    is_exchange_closed,
    inputs_missing,
    method_note
from days
