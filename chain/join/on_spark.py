"""The join on a cluster, by Apache Spark. Needs the extra `spark` and Java 17.

Spark reads the copy by itself, so its workers must see the folder under the same path. Splitting by key, spilling, and
doing again what a lost worker had done are Spark's own work; the cells come back to this machine.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import polars as pl
import pyarrow.parquet as pq

from chain.errors import JoinError
from chain.join.join_sql import CREATED_CELLS, SPARK, TRANSACTION_COLUMNS, creators, spends, spent_cells
from chain.join.public_copy import PublicCopy

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ROWS_A_PARTITION = 500_000
_FEWEST_PARTITIONS, _MOST_PARTITIONS = 8, 4_000
_LOOPBACK = ("127.0.0.1", "localhost")


def join_on_spark(
    copy: PublicCopy,
    main_chain: pl.DataFrame,
    work: Path,
    master: str,
    more: Mapping[str, str],
    tell: Callable[[str], None],
) -> None:
    """Write the cells to `work`/cells/0/spent.parquet and created.parquet; `master` is like spark://host:7077.

    `more` are settings of Spark's own, on top of ours. Raises JoinError when pyspark or Java is missing, the cluster
    cannot be reached or the job fails.
    """
    rows = sum(count for _, count in copy.days())
    partitions = min(max(rows // _ROWS_A_PARTITION, _FEWEST_PARTITIONS), _MOST_PARTITIONS)
    target = work / "cells" / "0"
    target.mkdir(parents=True, exist_ok=True)
    with _session(master, partitions, more) as spark:
        tell(f"joining on {master} in {partitions} partitions")
        transactions = spark.read.schema(TRANSACTION_COLUMNS).parquet(str(copy.transactions))
        transactions.createOrReplaceTempView("transactions")
        spark.createDataFrame(main_chain.to_arrow()).hint("broadcast").createOrReplaceTempView("main_chain")
        spark.sql(creators(SPARK)).createOrReplaceTempView("creators")
        spark.sql(spends(SPARK)).createOrReplaceTempView("spends")
        for name, query, order in (
            ("spent", spent_cells(SPARK), "spent_day"),
            ("created", CREATED_CELLS, "created_day"),
        ):
            pq.write_table(spark.sql(query).toArrow().sort_by(order), target / f"{name}.parquet")
            tell(f"{name}: done")


@contextmanager
def _session(master: str, partitions: int, more: Mapping[str, str]) -> "Iterator[SparkSession]":
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise JoinError(
            "Spark is not installed. `make spark` adds it, or: pip install --require-hashes -r requirements-spark.lock"
        ) from error
    settings: dict[str, Any] = {
        "spark.app.name": "leadline chain join",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": partitions,
        "spark.driver.maxResultSize": "4g",  # the cells of all of history are some hundred megabytes
        "spark.ui.enabled": False,
        "spark.ui.showConsoleProgress": False,
        # Days are folders: listing them is quick here, and slow as a job of its own.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": 100_000,
        # The folder date=… is not read as a column: its name is no part of the logic.
        "spark.sql.sources.partitionColumnTypeInference.enabled": False,
    }
    if urlsplit(master).hostname in _LOOPBACK or master.startswith("local"):
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master(master)
    for name, value in {**settings, **more}.items():
        builder = builder.config(name, value)
    try:
        spark = builder.getOrCreate()
    except Exception as error:
        raise JoinError(
            f"No Spark session on {master} ({_short(error)}). Is the master up, and is there a Java 17 on this machine?"
        ) from error
    try:
        yield spark
    except PySparkException as error:
        raise JoinError(
            f"The join on {master} failed: {_short(error)}. Look at the cluster's logs; join again."
        ) from error
    finally:
        spark.stop()


def _short(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")
