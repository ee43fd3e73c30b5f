"""The table of faults finds each of them where it is put into a published warehouse."""

import shutil
from pathlib import Path

import duckdb

from benchmarks.verdict_faults import measured

PLANTED = """
    update fct_regime_daily set verdict_line = '', regime = 'stabilizing' where signal_date = '2026-01-11';
    update fct_regime_daily set regime = 'bear_continuation', explanation = 'the fall goes on'
        where signal_date = '2026-01-12';
    update fct_bucket_daily set state = 'bull' where signal_date = '2026-01-12';
    update fct_regime_daily set level_usd = 3 * level_usd, cluster_low_usd = 3 * cluster_low_usd
        where signal_date = '2026-01-13';
    update fct_rule_daily set holds = null
        where target_id = 'macro' and direction = 'confirms' and signal_date = '2026-01-14';
    update fct_bucket_daily set state = 'neutral', state_at_best = 'bull'
        where bucket = 'macro' and signal_date = '2026-01-14';
    update fct_condition_daily set holds = false where condition_id = 'H1' and signal_date = '2026-01-14';
    update fct_condition_daily set holds = true where condition_id = 'R1' and signal_date = '2026-01-15';
    update fct_bucket_daily set state = 'bull' where bucket = 'options' and signal_date = '2026-01-15';
    delete from fct_signal_daily where signal_id = 'funding_positive_streak_h' and signal_date = '2026-01-16';
    insert into fct_signal_daily by name
        select * replace (date '2026-01-17' as signal_date, 224.0 as value) from fct_signal_daily
        where signal_id = 'btc_close_usd' and signal_date = '2026-01-17';
    delete from fct_signal_daily where signal_id = 'funding_positive_streak_h' and signal_date = '2026-01-17';
    update fct_signal_daily set signal_id = 'funding_positive_streak_h'
        where signal_id = 'btc_close_usd' and signal_date = '2026-01-17' and value = 224.0;
"""


def test_every_fault_is_found_where_it_is_planted(scenario_home: Path, tmp_path: Path) -> None:
    published = tmp_path / "leadline.duckdb"
    shutil.copy(scenario_home / "leadline.duckdb", published)
    before = {fault.what: many for fault, many, _ in measured(published)}
    with duckdb.connect(str(published)) as connection:
        connection.execute("set schema 'marts'")
        connection.execute(PLANTED)
    for fault, many, of_all in measured(published):
        assert before[fault.what] < many <= of_all, fault.what
