"""Every signal of the design is defined and has readings: its page read as it is written, against what is published."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

STRIKES = ("60000", "50000")  # the page writes `<strike>` and names them in words


def designed(page: str) -> set[str]:
    """The signal ids of the seven tables and of the paragraph on price, shorthands written out."""
    buckets = page[page.index("## The seven buckets") : page.index("### price and level")]
    price = page[page.index("### price and level") : page.index("the **cluster**")]
    rows = [line.split("|") for line in buckets.splitlines() if line.startswith("| `")]
    written = [id_ for _, names, definition, *_ in rows for id_ in row_ids(names, definition)]
    return {id_ for name in [*written, *quoted(price)] for id_ in alternatives(name)}


def row_ids(names: str, definition: str) -> Iterator[str]:
    """One row's ids: `_30d_pct` and `ixic_…` follow the id before them, `_5d_pct` in the definition follows each."""
    full: list[str] = []
    for name in quoted(names):
        if name.startswith("_"):
            full.append(other_ending(full[0], name))
        elif name.endswith("_…"):
            full.append(name.removesuffix("…") + full[0].partition("_")[2])
        else:
            full.append(name)
    yield from full
    for ending in (name for name in quoted(definition) if name.startswith("_")):
        yield from (other_ending(name, ending) for name in full)


def other_ending(name: str, ending: str) -> str:
    return name.rsplit("_", ending.count("_"))[0] + ending


def alternatives(name: str) -> list[str]:
    """`btc_open/high_usd` and `prob_below_<strike>_21d_pct` stand for several."""
    if "<strike>" in name:
        return [name.replace("<strike>", strike) for strike in STRIKES]
    parts = name.split("_")
    slashed = next((part for part in parts if "/" in part), None)
    return [name.replace(slashed, one) for one in slashed.split("/")] if slashed else [name]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([a-z0-9_/<>…]+)`", text)


@pytest.fixture(scope="module")
def page(real: Path) -> set[str]:
    return designed((real / "design" / "signals.md").read_text(encoding="utf-8"))


@pytest.fixture
def published(scenario_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(scenario_home / "leadline.duckdb"), read_only=True) as connection:
        yield connection


def test_shorthands_of_the_page_are_written_out(page: set[str]) -> None:
    assert len(page) > 85
    assert {
        *("btc_open_usd", "btc_close_usd", "futures_oi_change_30d_pct", "cost_basis_cluster_high_usd"),
        *("atm_iv_180d", "silver_return_1d_pct", "silver_return_5d_pct", "etf_net_flow_mtd_usd"),
        *("prob_below_50000_21d_pct", "put_oi_peak_strike_high", "taker_buy_share_pct"),
    } <= page


def test_every_signal_of_the_page_is_defined(published: duckdb.DuckDBPyConnection, page: set[str]) -> None:
    defined = {id_ for (id_,) in published.execute("select signal_id from marts.dim_signal").fetchall()}
    assert page - defined == set()
    assert {name.replace("prob_below", "prob_touch") for name in page if name.startswith("prob_below")} <= defined


def test_every_signal_has_readings_where_its_inputs_exist(published: duckdb.DuckDBPyConnection) -> None:
    """The bundled scenario has every input, so that every definition must show itself."""
    unread = published.execute(
        """
        select signal_id from marts.dim_signal
        anti join (
            select distinct signal_id from marts.fct_signal_daily
            where value is not null and value_as_known is not null and change_1d is not null
                and source_count > 0 and age_days >= 0 and is_final is not null and known_at is not null
        ) using (signal_id)
        """
    ).fetchall()
    assert unread == []


def test_most_signals_rank_in_their_own_year_and_those_that_cannot_say_so(published: duckdb.DuckDBPyConnection) -> None:
    """A rank needs sixty readings; only what the scenario reads for fewer days may have none."""
    unranked = published.execute(
        """
        select signal_id, max(observations_365d)
        from marts.fct_signal_daily
        group by signal_id
        having count(percentile_365d) = 0 and max(observations_365d) >= 60
        """
    ).fetchall()
    assert unranked == []


def test_every_definition_says_formula_unit_direction_lag_first_day_and_source(
    published: duckdb.DuckDBPyConnection,
) -> None:
    incomplete = published.execute(
        """
        select signal_id from marts.dim_signal
        where coalesce(formula, '') = '' or unit is null or direction not in ('bullish', 'bearish', 'neutral')
            or publication_lag_h is null or publication_lag_h < 0 or valid_from is null or coalesce(citation, '') = ''
            or coalesce(name_en, '') = '' or coalesce(name_zh, '') = '' or coalesce(datasets, '') = ''
        """
    ).fetchall()
    assert incomplete == []
