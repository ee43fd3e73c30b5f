"""The loader's records: which file went into which load, how each load ended, rejected rows, and watermarks.

Called inside the loader's transaction, so that these records and the rows are committed together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from sources.core.dataset import Dataset
from warehouse.errors import LoadVerdict
from warehouse.incoming import naive
from warehouse.landing import LandingFile
from warehouse.tables import RAW, insert


@dataclass(frozen=True)
class LoadBatch:
    """The files of one load, in order of arrival, and when it is (or, in a replay, was) done."""

    dataset: Dataset
    load_id: str
    files: tuple[LandingFile, ...]
    at: datetime


class LoadLedger:
    """Reads and writes these tables through the open connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def verdicts(self, dataset: Dataset) -> dict[str, LoadVerdict]:
        """Landing file -> how the load that took it up ended."""
        rows = self._connection.execute(
            f"select landing_file, verdict from {RAW}.loaded_file where dataset_id = $id", {"id": dataset.id}
        ).fetchall()
        return {name: LoadVerdict(verdict) for name, verdict in rows}

    def owners(self, dataset: Dataset) -> dict[str, str]:
        """Landing file -> id of the load that brought its rows into the raw table."""
        rows = self._connection.execute(
            f"select landing_file, load_id from {RAW}.loaded_file where dataset_id = $id and verdict = $verdict",
            {"id": dataset.id, "verdict": LoadVerdict.LOADED.value},
        ).fetchall()
        return dict(rows)

    def files_of(self, load_id: str) -> list[str]:
        """Names of the landing files of a load."""
        rows = self._connection.execute(
            f"select landing_file from {RAW}.loaded_file where load_id = $id order by landing_file", {"id": load_id}
        ).fetchall()
        return [name for (name,) in rows]

    def blocked(self) -> list[tuple[str, str, str]]:
        """Loads that wait for a person: (dataset id, load id, reason)."""
        return self._connection.execute(
            f"select dataset_id, load_id, reason from {RAW}.load_ledger where verdict = $verdict order by loaded_at",
            {"verdict": LoadVerdict.BLOCKED.value},
        ).fetchall()

    def says(self, load_id: str, reason: str) -> bool:
        """Whether a load is already recorded as not loaded for the same reason."""
        query = f"select 1 from {RAW}.load_ledger where load_id = $id and reason = $reason"
        return self._connection.execute(query, {"id": load_id, "reason": reason}).fetchone() is not None

    def fetched_until(self, dataset: Dataset) -> datetime | None:
        """Newest fetch time that is loaded, naive UTC."""
        row = self._connection.execute(
            f"select fetched_until from {RAW}.watermark where dataset_id = $id", {"id": dataset.id}
        ).fetchone()
        return row[0] if row else None

    def enter(self, batch: LoadBatch, verdict: LoadVerdict, facts: Mapping[str, object]) -> None:
        """Record how a load ended. Replaces the record of an earlier try of the same load."""
        entry = {
            "load_id": batch.load_id,
            "dataset_id": batch.dataset.id,
            "verdict": verdict.value,
            "loaded_at": naive(batch.at),
            "files": len(batch.files),
            "first_fetched_at": naive(min(file.fetched_at for file in batch.files)),
            "last_fetched_at": naive(max(file.fetched_at for file in batch.files)),
            **facts,
        }
        names, marks = ", ".join(entry), ", ".join(f"${name}" for name in entry)
        self._connection.execute(f"insert or replace into {RAW}.load_ledger ({names}) values ({marks})", entry)

    def enter_files(self, batch: LoadBatch, files: Iterable[LandingFile], verdict: LoadVerdict) -> None:
        """Record which files a load loaded or refused."""
        rows = [(file.name, batch.dataset.id, batch.load_id, naive(file.fetched_at), verdict.value) for file in files]
        schema: dict[str, pl.DataType | type[pl.DataType]] = {
            "landing_file": pl.String,
            "dataset_id": pl.String,
            "load_id": pl.String,
            "fetched_at": pl.Datetime("us"),
            "verdict": pl.String,
        }
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        insert(self._connection, f"{RAW}.loaded_file", frame, or_replace=True)

    def enter_rejects(self, batch: LoadBatch, rejects: pl.DataFrame) -> None:
        """Put rejects into the quarantine. Replaces those of an earlier try of the same load."""
        self._connection.execute(f"delete from {RAW}.quarantine where load_id = $id", {"id": batch.load_id})
        if rejects.is_empty():
            return
        entries = rejects.with_columns(
            pl.lit(batch.dataset.id).alias("dataset_id"),
            pl.lit(batch.load_id).alias("load_id"),
            pl.lit(naive(batch.at)).alias("quarantined_at"),
        )
        insert(self._connection, f"{RAW}.quarantine", entries)

    def advance(self, batch: LoadBatch, observed_until: datetime | None) -> None:
        """Move the dataset's watermark forward, never back."""
        self._connection.execute(
            f"""
            insert into {RAW}.watermark values ($id, $observed, $fetched)
            on conflict do update set
                observed_until = greatest(observed_until, excluded.observed_until),
                fetched_until = greatest(fetched_until, excluded.fetched_until)
            """,
            {
                "id": batch.dataset.id,
                "observed": observed_until,
                "fetched": naive(max(file.fetched_at for file in batch.files)),
            },
        )
