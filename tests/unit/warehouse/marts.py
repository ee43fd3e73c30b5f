"""Marts as dbt leaves them in the build file: tables and a view, by names that carry the catalogue, with comments."""

from warehouse.database import Warehouse
from warehouse.home import Home

MARTS = """
create schema if not exists staging;
create schema if not exists intermediate;
create schema if not exists marts;
create schema if not exists reference;
create or replace view "warehouse"."staging"."stg_demo__bar" as (select * from "warehouse"."raw"."demo__bar");
create or replace table intermediate.int_step as select 1 as a;
create or replace table reference.levels as select 'analyst' as source, 70000.0 as level_usd;
create or replace table "warehouse"."marts"."fct_signal_daily" as
    select * from (values
        (date '2026-02-06', 'btc_close_usd', 'USD', 70500.0, 70500.0, 'demo', true),
        (date '2026-02-05', 'btc_close_usd', 'USD', 62600.0, 62600.0, 'demo', true),
        (date '2026-02-06', 'etf_net_flow_usd', 'USD', 371e6, null, 'strict', false)
    ) as t(signal_date, signal_id, unit, value, value_as_known, provider, publishable);
create or replace table marts.fct_price_daily as
    select date '2026-02-06' as signal_date, 'x' as venue, 1.0::double as close_usd;
create or replace table marts.fct_bucket_daily as
    select date '2026-02-06' as signal_date, 'flows' as bucket, 'bear' as state, 'flow is -434' as evidence;
create or replace table marts.dim_signal as select 'btc_close_usd' as signal_id, 'USD' as unit;
create or replace view marts.fct_regime_log as (select * from "warehouse"."raw"."regime_log");
comment on table marts.fct_signal_daily is 'One row a date and signal; it''s the main table.';
comment on column marts.fct_signal_daily.value is 'Settled reading, in the unit of the row';
comment on column marts.fct_price_daily.close_usd is 'Last price [USD]';
comment on view marts.fct_regime_log is 'Every regime as it was published';
"""

REGIMES = """
create schema if not exists marts;
create or replace table marts.fct_regime_daily as
    select * from (values
        (date '2026-02-05', 'broken', 1, false, null::boolean, 'S1', 62600.0, 'rules-1', 'Fell; "below".'),
        (date '2026-02-06', 'testing', 1, true, null::boolean, 'S2', 70500.0, 'rules-1', 'Back above.')
    ) as t(signal_date, regime, days_in_regime, h1, h2, next_condition, btc_close_usd, rules_version, explanation);
"""


def build(home: Home, sql: str = MARTS) -> None:
    with Warehouse(home) as warehouse:
        warehouse.connection.execute(sql)
