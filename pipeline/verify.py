"""Whether the log of forecasts is what was said, and whether what was said follows from the landing files.

Four questions, from cheap to dear:

1. do the landed publications form an unbroken chain, each row with its hash, each head with the one before it;
2. does the published warehouse show exactly those rows;
3. do the landing files that forecasts are read from still have the content that they were stored with;
4. do forecasts, computed again from the landing files alone, come out the same?
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from analytics.baselines import baselines
from analytics.forecast import METHOD, Forecaster
from analytics.outlook import CLOSE, VARIABLES
from pipeline import option_surface
from pipeline.analytics_tables import ensure_tables
from pipeline.forecast import INTERVALS, LOGGED_QUANTILES, answers
from pipeline.forecast_inputs import CHAIN, DVOL, SOURCES, Era, histories
from sources.core.dataset import Dataset
from sources.registry import DATASETS, dataset
from warehouse import forecast_log
from warehouse.database import Warehouse
from warehouse.errors import LandingError
from warehouse.forecast_log import Fault
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader
from warehouse.metadata_tables import METADATA_TABLES
from warehouse.tables import RAW

# Of two computations of the same number on other machines: the last digits may differ, a price may not.
RELATIVE = 1e-9
SHARES = 1e-6  # probabilities and quantiles are kept in 32 bits


@dataclass(frozen=True)
class Verified:
    """What was looked at, and every fault found, the first of its kind first."""

    publications: int
    head: str | None
    forecasts: int
    days: int
    faults: Sequence[Fault]


def verify(home: Home, first: date | None = None, last: date | None = None) -> Verified:
    """Check the chain, the published rows and the landing files, and compute the days from first to last again.

    Raises HomeError when the home holds no forecast log.
    """
    landing = Landing(home)
    faults: list[Fault] = []
    records = []
    for file, record in landing.readable(forecast_log.KIND):
        if record is None:
            faults.append(Fault(f"landing file {file}", "its content no longer has the hash it was stored with"))
        else:
            records.append(record)
    unreadable = len(faults)
    faults += forecast_log.chain_faults(records)
    with tempfile.TemporaryDirectory(prefix="leadline-verify-", dir=_beside(home)) as folder:
        scratch = Path(folder) / "landed.duckdb"
        with Warehouse(home, file=scratch) as warehouse:
            warehouse.ensure_tables([])
            for record in records:
                forecast_log.replay(warehouse.connection, record)
            faults += _published_faults(warehouse.connection, home)
            asked = _asked(warehouse.connection, first, last)
            needed = _needed(warehouse.connection, first, last)
            # A publication that cannot be read does not say what it was made of: look at all that it may have been.
            damaged = list(_damaged(landing, _possible() if unreadable else needed))
            faults += damaged
            if not damaged:
                try:
                    _load(warehouse, needed)
                except LandingError as error:
                    faults.append(Fault("landing", str(error)))
                else:
                    faults += _recomputed_faults(warehouse.connection, asked)
    head = records[-1]["head"] if records else None
    return Verified(len(records), head, len(asked), len({day for day, _ in asked}), faults)


def _beside(home: Home) -> Path:
    home.build.mkdir(parents=True, exist_ok=True)
    return home.build


def _published_faults(landed: duckdb.DuckDBPyConnection, home: Home) -> Iterator[Fault]:
    """Rows that the published warehouse shows otherwise than they were landed."""
    if not home.published.exists():
        return
    landed.execute(f"attach '{str(home.published).replace(chr(39), chr(39) * 2)}' as published (read_only)")
    try:
        for book, mart in (
            (forecast_log.LOG, "fct_forecast_log"),
            (forecast_log.STRIKES, "fct_forecast_strike_daily"),
            (forecast_log.HEADS, "fct_forecast_head"),
        ):
            try:
                yield from _differing(landed, book, mart)
            except duckdb.CatalogException:
                yield Fault(f"published warehouse, marts.{mart}", "it is not there")
    finally:
        landed.execute("detach published")


def _differing(landed: duckdb.DuckDBPyConnection, book: str, mart: str) -> Iterator[Fault]:
    columns = ", ".join(f'"{name}"' for name in METADATA_TABLES[book].columns)
    ours, theirs = f"select {columns} from {RAW}.{book}", f"select {columns} from published.marts.{mart}"
    key = "sequence" if book == forecast_log.HEADS else "forecast_date, horizon_days, method"
    for left, right, what in (
        (theirs, ours, "it was never landed so"),
        (ours, theirs, "it was landed and is not shown so"),
    ):
        rows = landed.execute(f"select * from ({left} except {right}) order by {key} limit 1").fetchall()
        count = landed.execute(f"select count(*) from ({left} except {right})").fetchone()
        for row in rows:
            if book == forecast_log.HEADS:
                where = f"publication {row[0]}"
            else:
                where = forecast_log.describe(mart, list(METADATA_TABLES[book].columns), row)
            yield Fault(f"published warehouse, {where}", f"{what} ({count[0] if count else 0} such rows)")


def _asked(landed: duckdb.DuckDBPyConnection, first: date | None, last: date | None) -> dict[tuple[date, int], str]:
    rows = landed.execute(
        f"""
        select forecast_date, horizon_days, price_source from {RAW}.forecast_log
        where method = ? and forecast_date between coalesce(?, date '0001-01-01') and coalesce(?, date '9999-12-31')
        order by forecast_date, horizon_days
        """,
        [METHOD, first, last],
    ).fetchall()
    return {(day, horizon): source for day, horizon, source in rows}


def _needed(landed: duckdb.DuckDBPyConnection, first: date | None, last: date | None) -> list[Dataset]:
    """The datasets that the asked forecasts were read from."""
    rows = landed.execute(
        f"""
        select distinct price_source, implied_used from {RAW}.forecast_log
        where method = ? and forecast_date <= coalesce(?, date '9999-12-31')
        """,
        [METHOD, last],
    ).fetchall()
    named = {source for source, _ in rows}
    used = {implied for _, implied in rows}
    named |= ({DVOL} if "dvol" in used else set()) | ({CHAIN} if "chain" in used else set())
    return [dataset(name) for name in sorted(named)]


def _possible() -> list[Dataset]:
    """Every dataset that a forecast may be read from."""
    return [dataset(name) for name in (*SOURCES, DVOL, CHAIN)]


def _damaged(landing: Landing, needed: Sequence[Dataset]) -> Iterator[Fault]:
    for one in needed:
        for file in landing.files(one.id):
            try:
                landing.read(file)
            except LandingError:
                yield Fault(f"landing file {file.path}", "its content no longer has the hash it was stored with")


def _load(warehouse: Warehouse, needed: Sequence[Dataset]) -> None:
    """The raw tables of these datasets, from the landing files and the decisions about them."""
    warehouse.ensure_tables(DATASETS)
    ensure_tables(warehouse.connection)
    by_id = {one.id: one for one in needed}
    loader = Loader(warehouse)
    for decision in warehouse.landing.decisions():
        if decision.kind in ("load", "accept") and (one := by_id.get(decision.record["dataset"])):
            loader.replay(one, decision.kind, decision.record, decision.decided_at)
    if CHAIN in by_id:
        option_surface.compute(warehouse)


def _recomputed_faults(connection: duckdb.DuckDBPyConnection, asked: dict[tuple[date, int], str]) -> Iterator[Fault]:
    found = set()
    for history in histories(connection):
        days = sorted({day for (day, _), source in asked.items() if source == history.source})
        for era in history.eras(days):
            forecaster = Forecaster(era.prices)
            fingerprints = era.fingerprints()
            for day in era.dates:
                for horizon in sorted({horizon for on, horizon in asked if on == day}):
                    found.add((day, horizon))
                    fault = _recomputed(connection, era, forecaster, day, horizon, fingerprints.get(day))
                    if fault is not None:
                        yield fault
    for day, horizon in asked:
        if (day, horizon) not in found:
            yield Fault(
                f"forecast_log {day}, {horizon} days", "the landing files no longer hold the bars it was made of"
            )


def _recomputed(
    connection: duckdb.DuckDBPyConnection,
    era: Era,
    forecaster: Forecaster,
    day: date,
    horizon: int,
    fingerprint: str | None,
) -> Fault | None:
    """The first thing in which a forecast comes out otherwise, None when it is the same."""
    where = f"forecast_log {day}, {horizon} days, {METHOD}"
    made = forecaster.forecast(era.prices.place(day), horizon) if fingerprint else None
    if made is None:
        return Fault(where, "the landing files give no forecast for it")
    moves = made.outlook.quantiles(CLOSE, np.array(INTERVALS) / 100)[0]
    spot = float(era.prices.close[made.day])
    again: dict[str, object] = {
        "inputs_sha256": fingerprint,
        "spot_usd": spot,
        "sigma_pct": 100 * made.sigma * 365**0.5,
        "implied_used": era.implied_from.get(day),
        "paths": made.pool.paths,
        "pool_until": made.pool.until,
        **{f"p{at:02}_usd": float(spot * np.exp(move)) for at, move in zip(INTERVALS, moves, strict=True)},
        **{
            f"{name}_moves": made.outlook.quantiles(n, LOGGED_QUANTILES)[0].tolist() for n, name in enumerate(VARIABLES)
        },
    }
    key = [day, horizon, METHOD]
    of_forecast = "forecast_date = ? and horizon_days = ? and method = ?"
    names = ", ".join(again)
    logged = connection.execute(f"select {names} from {RAW}.forecast_log where {of_forecast}", key).fetchone()
    for (name, value), said in zip(again.items(), logged or (), strict=False):
        if not _same(value, said):
            return Fault(where, f"{name} was said to be {said!r:.60} and comes out as {value!r:.60}")
    strikes = connection.execute(
        f"select * from {RAW}.forecast_strike_log where {of_forecast} order by strike_usd, role", key
    ).pl()
    if strikes.is_empty():
        return None
    found = answers(forecaster, baselines(forecaster), made, strikes["strike_usd"].to_numpy())
    for name, values in found.items():
        asked = zip(strikes["strike_usd"], strikes["role"], values, strikes[name], strict=True)
        for strike, role, value, said in asked:
            if not _same(value, said, SHARES):
                at = f"forecast_strike_log {day}, {horizon} days, {METHOD}, {role} {strike}"
                return Fault(at, f"{name} was said to be {said!r} and comes out as {value!r}")
    return None


def _same(again: object, said: object, within: float = RELATIVE) -> bool:
    if isinstance(again, list):
        # A back-test keeps its quantiles in a file beside.
        return said is None or np.allclose(again, np.array(said, dtype=float), atol=SHARES, rtol=SHARES)
    if isinstance(again, float) and isinstance(said, float):
        return bool(np.isclose(again, said, rtol=within, atol=within))
    return again == said
