"""A small published warehouse for readers: the marts they read, two days of February and what led to them."""

from datetime import date, timedelta
from pathlib import Path

import duckdb

DAY = date(2026, 2, 6)
FIRST_DAY = date(2025, 10, 1)

HASHPRICE = "hashprice_7d_usd_ph_day"
SIGNALS = (
    # signal_id, bucket, name_en, name_zh, unit, decimals, value, observed days before, primary
    ("funding_rate_8h_pct", "derivatives", "Funding rate", "资金费率", "%", 4, -0.0061, 0, True),
    ("rr25_30d", "options", "25-delta risk reversal, 30 days", "25Δ风险逆转(30日)", "vol points", 1, -9.42, 0, True),
    ("rr25_7d", "options", "25-delta risk reversal, 7 days", "25Δ风险逆转(7日)", "vol points", 1, -13.1, 0, False),
    ("dvol", "options", "DVOL", "DVOL", "vol points", 1, 83.2, 0, True),
    ("futures_oi_change_7d_pct", "leverage", "Open interest, 7 days", "未平仓合约7日变化", "%", 1, -14.2, 0, True),
    ("futures_oi_usd", "leverage", "Futures open interest", "期货未平仓合约", "USD", 0, 49.1e9, 0, False),
    ("etf_net_flow_5d_bp", "flows", "ETF net flow, 5 readings", "ETF净流量(5日)", "bp", 2, -6.8, 1, True),
    ("etf_net_flow_usd", "flows", "Spot ETF net flow", "现货ETF净流量", "USD", 0, -434.1e6, 1, False),
    ("realized_loss_7d_bp", "onchain", "Realised loss", "已实现亏损", "bp", 2, 9.1, 0, True),
    (HASHPRICE, "mining", "Hashprice", "算力价格", "USD/PH/s/day", 2, 33.4, 0, True),
    ("equities_return_5d_pct", "macro", "S&P and Nasdaq, five days", "标普与纳指五日", "%", 2, None, None, True),
)

RULES = (
    # target, direction, group, signal, measure, operator, enter, readings, unit, value, holds, distance
    ("options", "continues", "skew_30d", "rr25_30d", "value", "<=", -8.0, 1, "vol points", -9.42, True, 1.42),
    ("options", "confirms", "skew_back", "rr25_30d", "value", ">=", -5.0, 3, "vol points", -9.42, False, 4.42),
    ("mining", "continues", "squeeze", HASHPRICE, "value", "<=", 30.0, 1, "USD/PH/s/day", 33.4, False, -3.4),
    ("mining", "continues", "squeeze", HASHPRICE, "percentile_365d", "<=", 5.0, 1, "percentile", 4.0, True, 1.5),
    ("flows", "continues", "daily", "etf_net_flow_usd", "value", "<=", -400e6, 2, "USD", -434.1e6, True, 34.1e6),
    ("macro", "confirms", "up", "equities_return_5d_pct", "value", ">=", 0.0, 3, "%", None, None, None),
    ("H1", "holds", "macro", "state_macro", "value", ">=", 2.0, 1, "state", None, None, None),
    ("H2", "holds", "calm", "days_since_capitulation", "value", ">", 7.0, 1, "", 1.0, False, 6.0),
    ("R3", "holds", "month", "etf_net_flow_usd", "value", "<", 0.0, 1, "USD", -690e6, True, 690e6),
)

BUCKETS = (
    # bucket, state, days, primary, confirms, continues, waiting for; the flip: signal, distance, to, readings, also
    ("derivatives", "bear", 3, "funding_rate_8h_pct", (0, 3), (2, 4), None,
     "funding_rate_8h_pct", 0.0061, "neutral", 0, None),
    ("options", "bear", 4, "rr25_30d", (0, 2), (3, 3), None, "rr25_30d", 1.5, "worsening", 0, "rr25_7d=-9.9"),
    ("leverage", "improving", 2, "futures_oi_change_7d_pct", (1, 3), (0, 1), None,
     "futures_oi_change_7d_pct", 0.0, "bull", 1, None),
    ("flows", "bear", 9, "etf_net_flow_5d_bp", (0, 3), (2, 4), "the ETF figure",
     "etf_net_flow_usd", 34.2e6, "improving", 0, None),
    ("onchain", "bear", 5, "realized_loss_7d_bp", (0, 2), (1, 1), None, None, None, None, None, None),
    ("mining", "bear", 1, HASHPRICE, (0, 2), (1, 2), "the adjustment", HASHPRICE, 1.5, "improving", 0, None),
    ("macro", "unknown", 1, "equities_return_5d_pct", (0, 4), (0, 3), "<b>macro</b> & co",
     None, None, None, None, None),
)  # fmt: skip

CONDITIONS = (
    dict.fromkeys(("H1", "H2", "H3", "S2", "S3"), False) | dict.fromkeys(("R1", "R2", "R3"), True) | {"S1": None}
)


def publish(
    path: Path, *, simulated: bool = True, next_condition: str | None = "S1", level: float | None = 70_000
) -> Path:
    """Write the marts into a DuckDB file and return its path."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        _tables(connection)
        origin = "simulated February 2026 (bundled scenario)" if simulated else "public sources"
        connection.execute("insert into marts.dim_origin values (?, ?)", [origin, simulated])
        _signals(connection)
        _rules(connection)
        for bucket, state, days, primary, confirms, continues, waiting, flip, distance, to, readings, also in BUCKETS:
            connection.execute(
                f"insert into marts.fct_bucket_daily values ({', '.join('?' * 19)})",
                [
                    DAY,
                    bucket,
                    state,
                    "bull" if state == "unknown" else state,
                    "neutral" if state == "unknown" else state,
                    days,
                    *confirms,
                    *continues,
                    f"evidence of {bucket}",
                    primary,
                    flip,
                    distance,
                    to,
                    None,
                    readings,
                    also,
                    waiting,
                ],
            )
        for condition, holds in CONDITIONS.items():
            values = [DAY, condition, holds, f"evidence of {condition}"]
            connection.execute("insert into marts.fct_condition_daily values (?, ?, ?, ?)", values)
        _regimes(connection, next_condition, level)
        _surroundings(connection)
        connection.execute(
            """
            insert into marts.dim_source values
                ('farside.etf_flow', 'flows', 'reserved', false, '2026-02-05', '2026-02-07 00:20:11', 'answered', null),
                ('binance.spot_candle_1d', 'price', 'terms', false, null, null, 'failed', '<script>alert(1)</script>')
            """
        )
    return path


def _tables(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        create table marts.dim_origin (origin varchar, is_simulated boolean);
        create table marts.dim_signal (
            signal_id varchar, bucket varchar, name_en varchar, name_zh varchar, unit varchar, decimals integer,
            is_primary boolean, primary_rank integer, datasets varchar, formula varchar,
            direction varchar, publication_lag_h double, valid_from date, citation varchar
        );
        create table marts.fct_signal_daily (
            signal_date date, signal_id varchar, value double, is_final boolean, value_as_known double,
            observed_date date, age_days integer, change_7d double, percentile_365d double, provider varchar,
            source_count integer, known_at timestamp, known_at_basis varchar, publishable boolean, method_note varchar,
            is_fresh boolean
        );
        create table marts.dim_rule (
            rule_id varchar, scope varchar, target_id varchar, direction varchar, rule_group varchar, signal_id varchar,
            measure varchar, operator varchar, enter_threshold double, readings integer, unit varchar,
            rationale varchar, valid_from date, valid_to date, source varchar
        );
        create table marts.fct_rule_daily (
            signal_date date, rule_id varchar, value double, observed_date date, holds boolean, flip_distance double
        );
        create table marts.dim_bucket as
            select unnest(['derivatives', 'options', 'leverage', 'flows', 'onchain', 'mining', 'macro']) as bucket,
                generate_subscripts(['derivatives', 'options', 'leverage', 'flows', 'onchain', 'mining', 'macro'], 1)
                    as position;
        create table marts.fct_bucket_daily (
            signal_date date, bucket varchar, state varchar, state_at_best varchar, state_at_worst varchar,
            days_in_state integer, confirms_met integer, confirms_total integer, continues_met integer,
            continues_total integer, evidence varchar,
            primary_signal_id varchar, flip_signal_id varchar, flip_distance double, flip_to_state varchar,
            flip_value double, flip_readings integer, flip_also_needs varchar, waiting_for varchar
        );
        create table marts.fct_condition_daily (
            signal_date date, condition_id varchar, holds boolean, evidence varchar
        );
        create table marts.fct_regime_daily (
            signal_date date, regime varchar, next_condition varchar, buckets_known integer, holds_cluster boolean,
            nothing_worsens boolean, fully_confirmed boolean, btc_close_usd double, level_usd double,
            cluster_low_usd double, cluster_high_usd double, cluster_source varchar, rules_version varchar,
            explanation varchar, position varchar, side varchar, side_since date, evidence_for_level varchar,
            evidence_best varchar, evidence_worst varchar, conditions_met integer, warnings_on integer,
            decided_by varchar, decided_by_zh varchar, verdict_line varchar, verdict_line_zh varchar,
            nearest_edge_usd double, close_to_nearest_edge_pct double, level_since date, level_before_usd double,
            level_moved_because varchar, regime_decided_by varchar, regime_decided_by_zh varchar
        );
        create table marts.dim_source (
            dataset_id varchar, bucket varchar, licence varchar, may_republish boolean, last_observed_at timestamp,
            last_attempt_at timestamp, last_outcome varchar, last_message varchar
        );
        create table marts.dim_event (
            event_date date, event_time_utc varchar, kind varchar, title varchar, title_zh varchar, source varchar
        );
        create table marts.fct_option_surface_daily (
            signal_date date, tenor_days integer, forward_usd double, atm_iv double, rr25 double, bf25 double
        );
        create table marts.fct_option_oi_daily (
            signal_date date, expiry date, strike double, option_type varchar, open_interest_btc double
        );
        create table marts.fct_implied_probability_daily (
            signal_date date, horizon_days integer, strike_usd double, prob_below_pct double, prob_touch_pct double
        );
        create table marts.fct_move_attribution_daily (
            signal_date date, return_pct double, macro_pct double, positioning_pct double, spot_demand_pct double,
            unexplained_pct double, r2 double, is_exchange_closed boolean
        );
        create table main.publication (published_at timestamp, code_version varchar);
        create table main.withheld (mart varchar, column_name varchar, by_row boolean);
        """
    )


def _signals(connection: duckdb.DuckDBPyConnection) -> None:
    for signal_id, bucket, name_en, name_zh, unit, decimals, value, age, is_primary in SIGNALS:
        rank = (2 if signal_id == "dvol" else 1) if is_primary else None
        definition = [signal_id, bucket, name_en, name_zh, unit, decimals, is_primary, rank, "a.b, c.d", "a + b"]
        connection.execute(
            f"insert into marts.dim_signal values ({', '.join('?' * 10)}, 'a rise', 1, '2020-01-01', null)", definition
        )
        for back in range(5):
            day = DAY - timedelta(days=back)
            observed = None if age is None else day - timedelta(days=age)
            known = None if value is None else value * (1 + back / 10)
            connection.execute(
                """
                insert into marts.fct_signal_daily
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'farside', 1, '2026-02-07 00:20', 'observed', ?,
                    'eleven <i>funds</i>', ?)
                """,
                [
                    *(day, signal_id, known, signal_id != "etf_net_flow_usd", known, observed, age, 0.5, 3.0),
                    *(signal_id == "equities_return_5d_pct", known is not None),
                ],
            )


def _rules(connection: duckdb.DuckDBPyConnection) -> None:
    for target, direction, group, signal, measure, operator, enter, readings, unit, *daily in RULES:
        scope = "framework" if target[0].isupper() else "bucket"
        rule_id = f"{target}.{group}.{measure}"
        definition = [rule_id, scope, target, direction, group, signal, measure, operator, enter, readings, unit, "why"]
        connection.execute(
            f"insert into marts.dim_rule values ({', '.join('?' * 12)}, '2009-01-03', '9999-12-31', 'desk')", definition
        )
        value, holds, distance = daily
        connection.execute(
            "insert into marts.fct_rule_daily values (?, ?, ?, ?, ?, ?)", [DAY, rule_id, value, DAY, holds, distance]
        )


def _regimes(connection: duckdb.DuckDBPyConnection, next_condition: str | None, level: float | None) -> None:
    days = (DAY - FIRST_DAY).days + 1
    for number in range(days):
        day = FIRST_DAY + timedelta(days=number)
        regime = {0: "relief_rally", 1: "capitulation"}.get(days - 1 - number, "stabilizing")
        close = 69_950.0 if day == DAY else None if number == 3 else 120_000 - 400.0 * number
        in_force = level is not None and day >= date(2026, 1, 26)
        connection.execute(
            "insert into marts.fct_regime_daily values "
            "(?, ?, ?, 6, true, false, false, ?, ?, ?, ?, ?, 'r1', ?, 'tested', 'above', '2026-01-20', 'against', "
            "'against', 'against', 0, 3, 'on: R3 ETF money flows out', '亮起：R3 ETF 净流出', "
            "'Tested: back inside 66 900–70 000, under it on 5 Feb; evidence against.', '回测；证据偏空。', "
            "70000, -0.07, '2026-02-05', 89994, 'price_closed_through', null, null)",
            [
                day,
                regime,
                next_condition,
                close,
                level if in_force else None,
                66_900.0 if in_force else None,
                70_600.0 if in_force else None,
                "analyst" if in_force else None,
                "rebound after the fall of 2026-02-05",
            ],
        )


def _surroundings(connection: duckdb.DuckDBPyConnection) -> None:
    """Options, the split of the return, the calendar, and what may not be passed on."""
    connection.execute(
        """
        insert into marts.fct_option_surface_daily values
            ('2026-02-06', 7, 70000, 80, -13, 2), ('2026-02-06', 30, 70100, 66, -9.4, 2.2),
            ('2026-02-06', 90, 70300, 56, -7.5, 2), ('2026-01-30', 7, 80000, 48, -4, 1),
            ('2026-01-30', 90, 80100, 46, -3, 1);
        insert into marts.fct_option_oi_daily values
            ('2026-02-06', '2026-02-13', 60000, 'P', 100), ('2026-02-06', '2026-02-27', 50000, 'P', 8000),
            ('2026-02-06', '2026-02-27', 60000, 'P', 9000), ('2026-02-06', '2026-02-27', 75000, 'P', 3000),
            ('2026-02-06', '2026-02-27', 80000, 'C', 5000), ('2026-02-06', '2026-02-27', 400000, 'C', 1);
        insert into marts.fct_implied_probability_daily values
            ('2026-02-06', 21, 50000, 6.1, 11.5), ('2026-02-06', 21, 60000, 18.8, 35.1),
            ('2026-02-06', 21, 70000, 48.4, 89.9), ('2026-02-06', 21, 80000, null, null);
        insert into marts.fct_move_attribution_daily values
            ('2026-02-05', -14.4, -5, -6, -1, -2.4, 0.7, false), ('2026-02-06', 11.7, 2.7, 2.2, -1.8, 8.6, 0.72, false);
        insert into marts.dim_event values
            ('2026-01-30', null, 'policy', 'A nominee is named', '提名人选公布', 'desk'),
            ('2026-02-13', '08:00', 'option expiry', 'Options expire', null, 'deribit.option_chain'),
            ('2026-02-18', '13:30', 'CPI', '<em>CPI</em>', null, 'desk');
        insert into main.publication values ('2026-02-07 01:05', '1.2.3');
        insert into main.withheld values
            ('fct_signal_daily', 'value_as_known', true), ('fct_signal_daily', 'value', true),
            ('fct_rule_daily', 'value', false), ('fct_rule_daily', 'flip_distance', false),
            ('fct_bucket_daily', 'flip_distance', false), ('fct_bucket_daily', 'evidence', false),
            ('fct_condition_daily', 'evidence', false),
            ('fct_regime_daily', 'btc_close_usd', false), ('fct_regime_daily', 'level_usd', false),
            ('fct_regime_daily', 'cluster_low_usd', false), ('fct_regime_daily', 'cluster_high_usd', false),
            ('fct_regime_daily', 'explanation', false), ('fct_option_surface_daily', null, false),
            ('fct_option_oi_daily', null, false), ('fct_implied_probability_daily', null, false),
            ('fct_move_attribution_daily', null, false)
        """
    )
