"""Landing files read into one temporary table, each row with its file, its fetch time and its load.

Each payload is checked as a whole: the declared columns and types, no NaN or infinity, no missing key, no row twice.
Rows that fail become rejects. This module does not know what is stored already.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import duckdb
import polars as pl

from sources.core.dataset import Calendar, Dataset
from sources.core.error_texts import explained
from sources.core.errors import Failure, SourceError
from sources.core.payload import CLOSED_DAY, HARMLESS, Parsed, Payload
from sources.core.spacing import require_spacing
from warehouse.landing import Landing, LandingFile
from warehouse.tables import insert, quoted, sql_type

INCOMING = "_incoming"  # temporary table; its own columns start with _, which no declared column does
CHUNK_ROWS = 500_000  # about 100 MB of candles: the most that is held in memory at once
FILES_TOGETHER = 256  # files that one reading takes up, each held in memory as received
LONGEST_TEXT = 2_000
FRIDAY = 5  # of the ISO week

REJECT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "landing_file": pl.String,
    "fetched_at": pl.Datetime("us"),
    "reason": pl.String,
    "text": pl.String,
}


@dataclass
class IncomingRows:
    """What reading the files gave: how many rows were sent, believed or not, the rejects (REJECT_SCHEMA), and what was
    left out.
    """

    sent: int = 0
    rejects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECT_SCHEMA))
    left_out: Counter[str] = field(default_factory=Counter)  # rows that are right and not this dataset's, by reason

    @property
    def unbelievable(self) -> pl.DataFrame:
        """The rejects that speak against the batch: all but those for a reason that is known and harmless."""
        return self.rejects.remove(pl.any_horizontal(*(pl.col("reason").str.ends_with(end) for end in HARMLESS)))


class UnreadableError(Exception):
    """One file cannot be read as the dataset; `cause` says why."""

    def __init__(self, file: LandingFile, cause: SourceError) -> None:
        super().__init__(str(cause))
        self.file = file
        self.cause = cause


def naive(instant: datetime) -> datetime:
    """An aware instant as the naive UTC that columns hold."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def stage(
    connection: duckdb.DuckDBPyConnection,
    landing: Landing,
    dataset: Dataset,
    files: Iterable[LandingFile],
    load_id_of: Callable[[LandingFile], str],
) -> IncomingRows:
    """Fill the temporary table INCOMING from the files, in order of fetch time, then of arrival.

    Raises UnreadableError at the first file that holds no data of this dataset, LandingError on a damaged file.
    """
    columns = ", ".join(f"{quoted(name)} {sql_type(column.dtype)}" for name, column in dataset.columns.items())
    connection.execute(
        f"create or replace temp table {INCOMING} "
        f"(_file_no INTEGER, _fetched_at TIMESTAMP, _load_id VARCHAR, {columns})"
    )
    sent, chunk, left_out = 0, _Chunk(dataset), Counter[str]()
    for number, (file, parsed) in enumerate(_read_all(landing, dataset, _in_order(files))):
        sent += parsed.rows.height + len(parsed.rejects)
        left_out.update(parsed.left_out)
        if parsed.rejects:
            reasons = [reject.reason for reject in parsed.rejects]
            chunk.rejects.append(rejects_of(file, reasons, [reject.text for reject in parsed.rejects]))
        chunk.add(number, file, load_id_of(file), parsed.rows)
        if chunk.rows >= CHUNK_ROWS:
            chunk.flush(connection)
    chunk.flush(connection)
    if not chunk.rejects:
        return IncomingRows(sent, left_out=left_out)
    return IncomingRows(sent, pl.concat(chunk.rejects), left_out)


def staged_rows_as_rejects(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: Iterable[LandingFile], reason: str
) -> pl.DataFrame:
    """Every row of INCOMING, which was filled from these files, as a reject for one reason."""
    names = [file.name for file in _in_order(files)]
    return (
        connection.execute(f"from {INCOMING}")
        .pl()
        .select(
            pl.lit(pl.Series(names, dtype=pl.String)).gather(pl.col("_file_no")).alias("landing_file"),
            pl.col("_fetched_at").alias("fetched_at"),
            pl.lit(reason).alias("reason"),
            _as_text(list(dataset.columns)),
        )
    )


def rejects_of(file: LandingFile, reasons: Sequence[str], texts: Sequence[str]) -> pl.DataFrame:
    """Rejects of one file as a frame of REJECT_SCHEMA."""
    return pl.DataFrame(
        {
            "landing_file": [file.name] * len(reasons),
            "fetched_at": [naive(file.fetched_at)] * len(reasons),
            "reason": reasons,
            # A NUL byte is legal in a Python string and ends a text in many a reader.
            "text": [text[:LONGEST_TEXT].replace("\0", "\\0") for text in texts],
        },
        schema=REJECT_SCHEMA,
    )


def _in_order(files: Iterable[LandingFile]) -> list[LandingFile]:
    return sorted(files, key=lambda file: (file.fetched_at, file.sequence))


def _read_all(landing: Landing, dataset: Dataset, files: Sequence[LandingFile]) -> Iterator[tuple[LandingFile, Parsed]]:
    """Each file with what it holds; many at once where the dataset can do that."""
    for start in range(0, len(files), FILES_TOGETHER):
        group = files[start : start + FILES_TOGETHER]
        payloads = [landing.read(file) for file in group]
        yield from zip(group, _read_together(dataset, group, payloads), strict=True)


def _read_together(dataset: Dataset, files: Sequence[LandingFile], payloads: Sequence[Payload]) -> Iterable[Parsed]:
    if dataset.read_together is None:
        return map(partial(_read, dataset), files, payloads)
    try:
        for payload in payloads:
            _check(dataset, payload)
        parsed = dataset.read_together(payloads)
        for each in parsed:
            require_spacing(dataset, each.rows)
    except SourceError:
        return map(partial(_read, dataset), files, payloads)  # one by one, to find the one
    for file, each in zip(files, parsed, strict=True):
        _require_declared(dataset, file, each)
    return parsed


def _check(dataset: Dataset, payload: Payload) -> None:
    if dataset.provider.check is not None:
        dataset.provider.check(payload)


def _read(dataset: Dataset, file: LandingFile, payload: Payload) -> Parsed:
    try:
        _check(dataset, payload)
        parsed = dataset.read(payload)
        require_spacing(dataset, parsed.rows)
    except SourceError as error:
        told = explained(error, payload)
        told.dataset = dataset.id
        raise UnreadableError(file, told) from error
    _require_declared(dataset, file, parsed)
    return parsed


def _require_declared(dataset: Dataset, file: LandingFile, parsed: Parsed) -> None:
    if dict(parsed.rows.schema) != {name: _instance(dtype) for name, dtype in dataset.schema.items()}:
        what = f"reading gave the columns {dict(parsed.rows.schema)}, declared are {dataset.schema}."
        raise UnreadableError(file, SourceError(Failure.CHANGED_LAYOUT, what, dataset.id))


class _Chunk:
    """Rows of a few files, checked and inserted together because one big frame costs less than many small ones."""

    def __init__(self, dataset: Dataset) -> None:
        self._columns = list(dataset.columns)
        self._key = list(dataset.key)
        self._observed = dataset.observed
        self._has_sessions = (
            dataset.calendar is Calendar.US_TRADING and dataset.columns[dataset.observed].dtype == pl.Date
        )
        self._never_null = list(dict.fromkeys((*dataset.key, dataset.observed)))
        self._floats = [name for name, column in dataset.columns.items() if column.dtype == pl.Float64]
        self._frames: list[pl.DataFrame] = []
        self._files: dict[int, LandingFile] = {}
        self.rows = 0
        self.rejects: list[pl.DataFrame] = []

    def add(self, number: int, file: LandingFile, load_id: str, rows: pl.DataFrame) -> None:
        """Take in the rows of one file."""
        if rows.height == 0:
            return
        own = (
            pl.lit(number, pl.Int32).alias("_file_no"),
            pl.lit(naive(file.fetched_at), pl.Datetime("us")).alias("_fetched_at"),
            pl.lit(load_id).alias("_load_id"),
        )
        self._frames.append(rows.with_columns(own))
        self._files[number] = file
        self.rows += rows.height

    def flush(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Check and insert what has gathered."""
        if not self._frames:
            return
        rows = pl.concat(self._frames)
        self._frames, self.rows = [], 0

        is_finite = (pl.col(name).is_finite().fill_null(True) for name in self._floats)
        rows = self._keep(rows, pl.all_horizontal(pl.lit(True), *is_finite), "not a finite number")
        rows = self._keep(rows, pl.all_horizontal(pl.col(self._never_null).is_not_null()), "no key or no time")
        if self._has_sessions:
            rows = self._keep(rows, pl.col(self._observed).dt.weekday() <= FRIDAY, CLOSED_DAY)
        in_file = ["_file_no", *self._key]
        if rows.select(in_file).is_duplicated().any():
            # A repeated row is harmless. Two values for one key are refused: nothing says which is right.
            rows = rows.unique(maintain_order=True)
            rows = self._keep(rows, ~pl.struct(in_file).is_duplicated(), "same key, different values")
        insert(connection, INCOMING, rows)
        self._files = {}

    def _keep(self, rows: pl.DataFrame, is_fine: pl.Expr, reason: str) -> pl.DataFrame:
        fine = rows.select(is_fine.alias("fine")).to_series()
        if fine.all():
            return rows
        for part in rows.filter(~fine).partition_by("_file_no", maintain_order=True):
            texts = part.select(_as_text(self._columns)).to_series().to_list()
            self.rejects.append(rejects_of(self._files[part["_file_no"][0]], [reason] * part.height, texts))
        return rows.filter(fine)


def _as_text(columns: Sequence[str]) -> pl.Expr:
    return pl.struct(columns).struct.json_encode().alias("text")


def _instance(dtype: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype
