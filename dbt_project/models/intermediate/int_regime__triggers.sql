-- One row per date: was there a sharp fall, and do families of evidence say that holders gave up? A family whose source
-- is missing has a stand-in, named in the evidence with the date that the figure is of. Fewer than two families known
-- is no capitulation, and said so.
with

readings as (select * from {{ ref('int_regime__readings') }}),

thresholds as (select * from {{ ref('int_regime__thresholds') }}),

falls as (
    select
        readings.*,
        thresholds.* exclude (signal_date),
        btc_return_1d_pct <= least(fall_day_floor_pct, fall_day_deviations * btc_return_stddev_30d_pct)
            as is_day_fall,
        btc_low_to_previous_close_pct <= least(fall_low_floor_pct, fall_low_deviations * btc_return_stddev_30d_pct)
        and btc_return_1d_pct <= fall_low_day_pct as is_low_fall,
        btc_return_3d_pct
            <= least(fall_three_days_floor_pct, fall_three_days_deviations * sqrt(3) * btc_return_stddev_30d_pct)
        and btc_return_1d_pct <= fall_three_days_day_pct as is_three_day_fall
    from readings
    join thresholds on thresholds.signal_date = readings.signal_date
),

families as (
    select
        *,
        -- A price that is a day old was judged on its own date; it must not fall twice.
        btc_close_date = signal_date
        and (coalesce(is_day_fall, false) or coalesce(is_low_fall, false) or coalesce(is_three_day_fall, false))
            as is_sharp_fall,
        coalesce(
            liquidations_usd_percentile >= liquidations_percentile,
            spot_volume_ratio_90d_percentile >= volume_percentile
        ) as is_forced,
        case
            when liquidations_usd_percentile is not null
                then 'forced liquidations at percentile ' || {{ number_text('liquidations_usd_percentile') }}
                    || ' (' || liquidations_usd_date || ')'
            when spot_volume_ratio_90d_percentile is not null
                then 'spot volume, standing in for liquidations, at percentile '
                    || {{ number_text('spot_volume_ratio_90d_percentile') }}
                    || ' (' || spot_volume_ratio_90d_date || ')'
        end as forced_evidence,
        open_interest_change_3d_percentile <= open_interest_percentile
        and open_interest_change_3d_pct <= open_interest_change_pct as is_deleveraging,
        'open interest ' || {{ number_text('open_interest_change_3d_pct') }} || ' % in three days, percentile '
        || {{ number_text('open_interest_change_3d_percentile') }} || ' (' || open_interest_change_date || ')'
            as deleveraging_evidence,
        coalesce(
            realized_loss_usd_percentile >= realized_loss_percentile,
            net_realized_pnl_7d_usd_percentile <= net_pnl_percentile,
            sopr_percentile <= net_pnl_percentile
        ) as is_loss_taking,
        case
            when realized_loss_usd_percentile is not null
                then 'realised loss at percentile ' || {{ number_text('realized_loss_usd_percentile') }}
                    || ' (' || realized_loss_usd_date || ')'
            when net_realized_pnl_7d_usd_percentile is not null
                then 'net realised P/L, standing in for realised loss, at percentile '
                    || {{ number_text('net_realized_pnl_7d_usd_percentile') }}
                    || ' (' || net_realized_pnl_7d_usd_date || ')'
            when sopr_percentile is not null
                then 'SOPR, standing in for realised loss, at percentile ' || {{ number_text('sopr_percentile') }}
                    || ' (' || sopr_date || ')'
        end as loss_evidence,
        coalesce(rr25_30d <= skew_vol_points, dvol_change_1d_percentile >= dvol_change_percentile) as is_panic,
        case
            when rr25_30d is not null
                then '30-day risk reversal ' || {{ number_text('rr25_30d') }} || ' (' || rr25_30d_date || ')'
            when dvol_change_1d_percentile is not null
                then 'one-day change of DVOL, standing in for skew, at percentile '
                    || {{ number_text('dvol_change_1d_percentile') }} || ' (' || dvol_change_1d_date || ')'
        end as panic_evidence
    from falls
),

judged as (
    select
        signal_date,
        is_sharp_fall,
        cast(is_forced is not null as integer) + cast(is_deleveraging is not null as integer)
        + cast(is_loss_taking is not null as integer) + cast(is_panic is not null as integer) as families_known,
        cast(coalesce(is_forced, false) as integer) + cast(coalesce(is_deleveraging, false) as integer)
        + cast(coalesce(is_loss_taking, false) as integer) + cast(coalesce(is_panic, false) as integer)
            as families_met,
        coalesce(is_sharp_fall, false) and families_known >= families_needed and families_met >= families_needed
            as is_trigger,
        case
            when coalesce(is_sharp_fall, false) and families_known < families_needed
                then 'a sharp fall, but fewer than ' || cast(families_needed as integer)
                    || ' families of evidence are known'
            when is_sharp_fall
                then 'bitcoin ' || {{ number_text('btc_return_1d_pct') }} || ' % on the day; ' || concat_ws('; ',
                    case when is_forced then forced_evidence end,
                    case when is_deleveraging then deleveraging_evidence end,
                    case when is_loss_taking then loss_evidence end,
                    case when is_panic then panic_evidence end,
                    case when families_met = 0 then 'no family of evidence agrees' end
                )
        end as evidence
    from families
)

select * from judged
