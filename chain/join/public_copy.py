"""The public Parquet copy on disk: its files, its size, and its blocks.

Layout: `blocks/date=YYYY-MM-DD/*.parquet` and `transactions/date=YYYY-MM-DD/*.parquet`, as in the bucket
`aws-public-blockchain` under `v1.0/btc`.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from chain.errors import JoinError

_BLOCKS = """
    select distinct
        hash,
        number as height,
        previousblockhash as previous_hash,
        cast(epoch(timestamp) as bigint) as time_s,
        transaction_count as transactions
    from read_parquet($files, union_by_name = true)
"""


@dataclass(frozen=True)
class PublicCopy:
    """A folder with the copy, or with some days of it."""

    folder: Path

    @property
    def transactions(self) -> Path:
        """The folder of transactions; below it a folder a day."""
        return self.folder / "transactions"

    @cached_property
    def transaction_files(self) -> list[Path]:
        """All files of transactions, in the order of days. Raises JoinError when there are none."""
        return self._files("transactions")

    def days(self) -> list[tuple[list[Path], int]]:
        """Files of each day with their number of rows, in the order of days. Raises JoinError for a damaged file."""
        with duckdb.connect() as connection, readable(self.folder):
            counted = connection.execute(
                "select file_name, num_rows from parquet_file_metadata($files)",
                {"files": _texts(self.transaction_files)},
            ).fetchall()
        rows = {Path(name): int(count) for name, count in counted}
        days: dict[str, list[Path]] = {}
        for file in self.transaction_files:
            days.setdefault(file.parent.name, []).append(file)
        return [(files, sum(rows[file] for file in files)) for files in days.values()]

    def blocks(self) -> pl.DataFrame:
        """Every block once, orphaned ones too: hash, height, previous_hash, time_s, transactions.

        Raises JoinError when files disagree about a block.
        """
        with duckdb.connect() as connection, readable(self.folder):
            connection.execute("set timezone = 'UTC'")
            blocks = connection.execute(_BLOCKS, {"files": _texts(self._files("blocks"))}).pl()
        twice = blocks.filter(pl.col("hash").is_duplicated() | pl.any_horizontal(pl.exclude("previous_hash").is_null()))
        if twice.height:
            raise JoinError(
                f"{self.folder / 'blocks'}: block {twice['hash'][0]} is written in more than one way, or not whole. "
                "Fetch the files of its day again."
            )
        return blocks

    def fingerprint(self) -> str:
        """Changes when a file of transactions or blocks comes, goes or is written again."""
        digest = hashlib.sha256()
        for file in [*self._files("blocks"), *self.transaction_files]:
            state = file.stat()
            digest.update(f"{file.relative_to(self.folder)} {state.st_size} {state.st_mtime_ns}\n".encode())
        return digest.hexdigest()[:16]

    def _files(self, table: str) -> list[Path]:
        files = sorted((self.folder / table).glob("date=*/*.parquet"))
        if not files:
            raise JoinError(
                f"{self.folder} has no {table}/date=YYYY-MM-DD/*.parquet. Name the folder that holds blocks/ and "
                "transactions/ of the public copy (s3://aws-public-blockchain/v1.0/btc)."
            )
        return files


class readable:  # noqa: N801 - used as a context, like `contextlib.suppress`
    """Turns what DuckDB says of files that it cannot read into a JoinError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise JoinError(
                f"The join of {self._folder} does not fit into its memory limit ({_first_line(error)}). Give it more "
                "with --memory, or free disk space for spilling; it goes on where it stopped."
            ) from error
        if isinstance(error, duckdb.Error):
            raise JoinError(
                f"{self._folder} cannot be read as the public copy: {_first_line(error)}. Fetch that file again, or "
                "look whether the copy's columns have changed."
            ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _texts(files: list[Path]) -> list[str]:
    return [str(file) for file in files]
