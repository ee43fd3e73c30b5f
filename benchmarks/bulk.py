"""Two years of five-minute statistics and hourly bars from zipped files, against pandas file by file.

One back-fill through the stand-in's HTTP, as `leadline backfill --select binance_vision` does it; then the same landed
files into raw tables once more, by Leadline and by pandas: each file read by itself and put into a keyed table, so that
a second load changes nothing there either. Both verify each file's SHA-256. Medians of alternating rounds.
"""

import hashlib
import io
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
import pandas as pd
import polars as pl

from benchmarks.claim import Bound, Claim, Size
from pipeline.ingest import ingest
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings
from sandbox.market import TABLES
from sandbox.server_process import running_apart
from sources.binance_vision import KLINE_HEADER
from sources.core.dataset import Dataset
from sources.core.payload import Payload
from sources.registry import DATASETS, dataset
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader

FIRST_DAY = date(2024, 1, 1)
DAYS = {Size.SMALL: 40, Size.FULL: 731}
ROUNDS = {Size.SMALL: 1, Size.FULL: 3}
WANTED = (dataset("binance_vision.metrics"), dataset("binance_vision.spot_candle_1h"))
LIMIT = 3.5
KEYS = {"metrics": "create_time", "spot_candle_1h": "open_time"}


def run(size: Size) -> Iterator[Claim]:
    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder:
        root = Path(folder)
        days = DAYS[size]
        last = FIRST_DAY + timedelta(days=days - 1)
        home = Home(root / "home")
        home.claim_origin("made up")
        with running_apart(market(root / "market", days)) as upstream:
            span = RunPeriod(midnight(FIRST_DAY), cut_off(last) + timedelta(days=10), True, True, archives=True)
            started = time.perf_counter()
            settings = Settings(_env_file=None, home=home.path, upstream=upstream)
            ended = list(ingest(home, settings, WANTED, span))
            fetched_s = time.perf_counter() - started
        rows = sum(each.load.rows_new for each in ended if each.load)
        landing = Landing(home)
        files = {each.id: [landing.read(file) for file in landing.files(each.id) if file.is_answer] for each in WANTED}
        zips = {name: [each for each in found if not each.url.endswith("SUM")] for name, found in files.items()}
        ours, theirs = [], []
        for at in range(ROUNDS[size]):
            ours.append(by_leadline(root / f"again-{at}", files))
            theirs.append(by_pandas(root / f"pandas-{at}.duckdb", zips, rows))
        detail = (
            f"{rows:,} rows of {sum(map(len, zips.values()))} files: Leadline {median(ours):.2f} s, pandas "
            f"{median(theirs):.2f} s; fetched and loaded over HTTP in {fetched_s:.1f} s"
        )
        yield Claim("rows a second", median(theirs) / median(ours), Bound.AT_LEAST, LIMIT, "× pandas", detail)


def market(folder: Path, days: int) -> Path:
    """Market tables of open interest every five minutes and of hourly bars."""
    folder.mkdir()
    start = datetime.combine(FIRST_DAY, datetime.min.time())
    end = start + timedelta(days=days + 1)
    stamps = pl.datetime_range(start, end, "5m", eager=True, time_unit="us")
    wave = (pl.Series(range(stamps.len())) / 500).sin() * 900
    interest = {"venue": "binance", "time": stamps, "oi_btc": 80_000 + wave, "oi_usd": 7e9 + wave * 7e4}
    pl.DataFrame(interest).write_parquet(folder / "open_interest.parquet")
    hours = pl.datetime_range(start, end, "1h", eager=True, time_unit="us")
    price = 90_000 + (pl.Series(range(hours.len())) / 50).sin() * 900
    bars = {
        **{"venue": "binance", "market": "spot", "open_time": hours, "open": price, "high": price + 50},
        **{"low": price - 50, "close": price + 10, "volume_btc": 500.25, "taker_buy_btc": 240.125},
    }
    pl.DataFrame(bars).select(list(TABLES["price_1h"])).write_parquet(folder / "price_1h.parquet")
    return folder


def by_leadline(folder: Path, files: dict[str, list[Payload]]) -> float:
    """Seconds from landed files to raw tables."""
    home = Home(folder)
    landing = Landing(home)
    landed = {name: [landing.store(name, payload) for payload in found] for name, found in files.items()}
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        loader = Loader(warehouse)
        started = time.perf_counter()
        for each in WANTED:
            loader.load(each, [file for file in landed[each.id] if file is not None])
        return time.perf_counter() - started


def by_pandas(file: Path, zips: dict[str, list[Payload]], expected: int) -> float:
    """Seconds from the same files, in memory, to keyed tables, one file at a time."""
    with duckdb.connect(str(file)) as connection:
        started = time.perf_counter()
        for each in WANTED:
            for payload in zips[each.id]:
                if hashlib.sha256(payload.body).hexdigest() != payload.url.partition("#sha256=")[2]:
                    raise RuntimeError(f"{payload.url} is damaged")
                put(connection, each, parsed(each, payload))
        elapsed = time.perf_counter() - started
        found = sum(connection.execute(f"select count(*) from {each.name}").fetchall()[0][0] for each in WANTED)
    if found != expected:
        raise RuntimeError(f"pandas loaded {found} rows, Leadline {expected}")
    return elapsed


def parsed(declared: Dataset, payload: Payload) -> pd.DataFrame:
    content = io.BytesIO(payload.body)
    if declared.name == "metrics":
        frame = pd.read_csv(content, compression="zip")
        frame["create_time"] = pd.to_datetime(frame["create_time"], format="%Y-%m-%d %H:%M:%S")
        return frame
    frame = pd.read_csv(content, compression="zip", header=None, names=list(KLINE_HEADER))
    unit = "us" if frame["open_time"].iloc[0] >= 10**15 else "ms"
    frame["open_time"] = pd.to_datetime(frame["open_time"], unit=unit).astype("datetime64[us]")
    return frame


def put(connection: duckdb.DuckDBPyConnection, declared: Dataset, frame: pd.DataFrame) -> None:
    table, key = declared.name, KEYS[declared.name]
    connection.register("frame", frame)
    exists = connection.execute("select 1 from duckdb_tables() where table_name = ?", [table]).fetchone()
    if exists is None:
        connection.execute(f"create table {table} as from frame limit 0; alter table {table} add primary key ({key})")
    connection.execute(f"insert or replace into {table} from frame")
    connection.unregister("frame")
