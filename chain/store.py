"""The state of following the chain: one DuckDB file, `<home>/chain/blocks.duckdb`.

The last blocks are kept one by one with what each added, so that a reorganisation can take it out again; older ones are
folded into the day cells and cannot be. Every change is one transaction.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType

import duckdb
import polars as pl

from chain.blocks import SPENDS, Contribution
from chain.cells import CREATED, SPENT, day_of
from chain.errors import BlockError, ReorganisationError, StoreError
from chain.published import CellCoverage, Cells, publish
from chain.sums import CELLS

# Blocks kept one by one: two days. The deepest reorganisation ever seen on the main network was 53 blocks (2010).
KEPT_BLOCKS = 288
MEDIAN_OF_BLOCKS = 11  # a block's stamp must be later than the median of the eleven before it (consensus)

_TABLES = """
create table if not exists start (first_height integer not null, way varchar not null);
create table if not exists header (height integer primary key, time_s bigint not null);
create table if not exists block (
    height integer primary key, hash varchar not null, previous_hash varchar not null, time_s bigint not null,
    day date not null, received_at timestamp not null, created_satoshi bigint not null, created_coins bigint not null,
    fees_satoshi bigint not null
);
create table if not exists block_spent (
    height integer not null, created_day date not null, is_own boolean not null,
    satoshi bigint not null, coins bigint not null
);
create table if not exists spent (created_day date, spent_day date, satoshi bigint, coins bigint);
create table if not exists own (created_day date, spent_day date, satoshi bigint, coins bigint);
create table if not exists created (created_day date, satoshi bigint, coins bigint);
create table if not exists folded (height integer not null, hash varchar not null);
"""


@dataclass(frozen=True)
class StoredBlock:
    """A block that is kept one by one."""

    height: int
    hash: str
    time_s: int


class BlockStore:
    """The store under one `<home>/chain`, open for as long as the `with` block lasts.

    `way` names where blocks come from; a store takes blocks of one way only. Raises StoreError when another process has
    it open, it cannot be read, or it belongs to another way.
    """

    def __init__(self, root: Path, *, kept_blocks: int = KEPT_BLOCKS) -> None:
        self.root = root
        self._kept_blocks = kept_blocks
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> "BlockStore":
        self.root.mkdir(parents=True, exist_ok=True)
        file = self.root / "blocks.duckdb"
        try:
            self._connection = duckdb.connect(str(file))
            self._connection.execute(_TABLES)
        except duckdb.IOException as error:
            raise StoreError(
                f"{file} cannot be opened ({str(error).splitlines()[0]}). If another `leadline chain follow` runs, let "
                "it end; if the file is damaged, move it away and follow again: the node still has the blocks."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection."""
        if self._connection is None:
            raise RuntimeError("the store is open only inside its with block")
        return self._connection

    def begin_at(self, first_height: int, way: str) -> None:
        """Set where an empty store begins and its source of blocks. Raises StoreError when a begun store differs."""
        started = self.connection.execute("select first_height, way from start").fetchone()
        if started is None:
            self.connection.execute("insert into start values (?, ?)", [first_height, way])
        elif started[0] != first_height:
            raise StoreError(
                f"{self.root} holds blocks from height {started[0]} and was asked to begin at {first_height}. Go on "
                "without naming a height, or move the folder away to begin anew."
            )

    @property
    def first_height(self) -> int | None:
        """Height of the first block whose coins are counted; None for a store that has not begun."""
        started = self.connection.execute("select first_height from start").fetchone()
        return None if started is None else int(started[0])

    def tip(self) -> StoredBlock | None:
        """The newest block; None when none was taken in."""
        row = self.connection.execute("select height, hash, time_s from block order by height desc limit 1").fetchone()
        return None if row is None else StoredBlock(*row)

    def hash_at(self, height: int) -> str | None:
        """Hash of a block that is kept one by one, or of the last folded one."""
        row = self.connection.execute(
            "select hash from block where height = $1 union all select hash from folded where height = $1", [height]
        ).fetchone()
        return None if row is None else str(row[0])

    def times_known_to(self) -> int:
        """How many headers' times are known, from height 0 on without a gap."""
        [[first_gap]] = self.connection.execute(
            "select coalesce(min(row), (select count(*) from header)) from "
            "(select height, row_number() over (order by height) - 1 as row from header) where height <> row"
        ).fetchall()
        return int(first_gap)

    def add_times(self, times_s: Mapping[int, int]) -> None:
        """Remember time stamps of blocks that are not taken in themselves."""
        frame = pl.DataFrame({"height": list(times_s), "time_s": list(times_s.values())})
        self._insert("header", frame, "on conflict do update set time_s = excluded.time_s")

    def take_in(self, blocks: Sequence[Contribution], *, orphaned_above: int | None = None) -> None:
        """Add blocks that follow each other, in one transaction.

        `orphaned_above` takes out every block higher than that first, in the same transaction. Raises BlockError when
        the first does not follow the store's newest block or a coin's day of creation is not known, and
        ReorganisationError when an orphaned block was folded already; then nothing has changed.
        """
        connection = self.connection
        connection.execute("begin")
        try:
            if orphaned_above is not None:
                self._take_out(orphaned_above)
            self._require_succession(blocks)
            self._add(blocks)
            self._fold()
            connection.execute("commit")
        except BaseException:
            with suppress(duckdb.Error):
                connection.execute("rollback")
            raise

    def closed_day(self) -> date | None:
        """The last day that no further block can be stamped with: the one before the day of the median time past.

        Consensus wants each block stamped later than the median of the eleven before it, so the median of the newest
        eleven never goes back but in a reorganisation.
        """
        times = self.connection.execute(
            f"select time_s from block order by height desc limit {MEDIAN_OF_BLOCKS}"
        ).fetchall()
        if len(times) < MEDIAN_OF_BLOCKS:
            return None
        median_s = sorted(time_s for (time_s,) in times)[MEDIAN_OF_BLOCKS // 2]
        return day_of(median_s) - timedelta(days=1)

    def cells(self) -> dict[str, pl.DataFrame]:
        """The tables `spent`, `created` and `own` of all blocks taken in."""
        spent = """
            select created_day, spent_day, {sums}
            from (
                select * from {folded}
                union all
                select created_day, day as spent_day, satoshi, coins
                from block_spent join block using (height) {condition}
            )
            group by all
            order by all
        """
        created = """
            select created_day, {sums}
            from (select * from created union all select day, created_satoshi, created_coins from block)
            group by all
            order by all
        """
        return {
            "spent": self._frame(spent.format(sums=CELLS, folded="spent", condition=""), SPENT),
            "own": self._frame(spent.format(sums=CELLS, folded="own", condition="where is_own"), SPENT),
            "created": self._frame(created.format(sums=CELLS), CREATED),
        }

    def publish(self) -> Cells | None:
        """Publish the cells; None when no day is closed yet."""
        last_day, tip, started = self.closed_day(), self.tip(), self.connection.sql("from start").fetchone()
        if last_day is None or tip is None or started is None:
            return None
        [first_height, way] = started

        def write(folder: Path) -> None:
            for name, frame in self.cells().items():
                frame.write_parquet(folder / f"{name}.parquet")

        return publish(self.root, write, CellCoverage(way, first_height, tip.height, tip.hash, last_day))

    def load_history(self, cells: Cells) -> None:
        """Begin an empty store with cells made another way. Raises StoreError when the store has begun."""
        if self.first_height is not None:
            raise StoreError(f"{self.root} holds blocks already; history is loaded into an empty store only.")
        connection = self.connection
        connection.execute("begin")
        try:
            connection.execute("insert into start values (?, ?)", [cells.reach.first_height, cells.reach.way])
            connection.execute("insert into spent from read_parquet(?)", [str(cells.spent)])
            connection.execute("insert into created from read_parquet(?)", [str(cells.created)])
            connection.execute("insert into folded values (?, ?)", [cells.reach.last_height, cells.reach.last_hash])
            connection.execute("commit")
        except BaseException:
            with suppress(duckdb.Error):
                connection.execute("rollback")
            raise

    def next_height(self) -> int:
        """Height of the block to take in next. Raises StoreError for a store that has not begun."""
        tip = self.tip()
        if tip is not None:
            return tip.height + 1
        folded = self.connection.execute("select height from folded").fetchone()
        if folded is not None:
            return int(folded[0]) + 1
        if self.first_height is None:
            raise StoreError(f"{self.root} has not begun.")
        return self.first_height

    def _frame(self, query: str, schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
        frame = self.connection.execute(query).pl()
        return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())

    def _insert(self, table: str, frame: pl.DataFrame, more: str = "") -> None:
        self.connection.register("_frame", frame.to_arrow())
        try:
            self.connection.execute(f"insert into {table} by name select * from _frame {more}")
        finally:
            self.connection.unregister("_frame")

    def _take_out(self, height: int) -> None:
        folded = self.connection.execute("select height from folded").fetchone()
        if folded is not None and height < folded[0]:
            raise ReorganisationError(
                f"The chain parts from what was taken in at height {height}, and blocks up to {folded[0]} are folded "
                f"into day cells: they cannot be taken out. Move {self.root / 'blocks.duckdb'} away and follow again."
            )
        for table in ("block", "block_spent", "header"):
            self.connection.execute(f"delete from {table} where height > ?", [height])

    def _require_succession(self, blocks: Sequence[Contribution]) -> None:
        height = self.next_height()
        before = self.hash_at(height - 1)
        for block in blocks:
            if block.height != height or (before is not None and block.previous_hash != before):
                raise BlockError(
                    f"Block {block.hash} at height {block.height} does not follow what was taken in, which ends at "
                    f"{height - 1}. The chain was reorganised meanwhile; follow again."
                )
            height, before = height + 1, block.hash

    def _add(self, blocks: Sequence[Contribution]) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        headers = {height: time_s for block in blocks for height, time_s in block.times_s.items()}
        headers |= {block.height: block.time_s for block in blocks}
        self.add_times(headers)
        rows = [
            {
                "height": block.height,
                "hash": block.hash,
                "previous_hash": block.previous_hash,
                "time_s": block.time_s,
                "day": day_of(block.time_s),
                "received_at": now,
                "created_satoshi": block.created_satoshi,
                "created_coins": block.created_coins,
                "fees_satoshi": block.fees_satoshi,
            }
            for block in blocks
        ]
        self._insert("block", pl.DataFrame(rows))
        spends = pl.concat(
            [
                pl.DataFrame(schema={"height": pl.Int64, **SPENDS}),
                *(block.spent.select(pl.lit(block.height, pl.Int64).alias("height"), *SPENDS) for block in blocks),
            ]
        )
        self.connection.register("_spends", spends.to_arrow())
        try:
            [[unknown]] = self.connection.execute(
                "select count(*) from _spends anti join header on header.height = created_height"
            ).fetchall()
            if unknown:
                raise BlockError(
                    f"{unknown} cells spend coins of blocks whose time is not known. The headers from height 0 on are "
                    "read first; follow again."
                )
            self.connection.execute(
                """
                insert into block_spent
                select
                    spends.height, cast(make_timestamp(header.time_s * 1000000) as date) as created_day,
                    spends.is_own, sum(spends.satoshi)::bigint, sum(spends.coins)::bigint
                from _spends as spends
                join header on header.height = spends.created_height
                group by all
                """
            )
        finally:
            self.connection.unregister("_spends")

    def _fold(self) -> None:
        """Fold blocks deeper than are kept into the day cells, a batch of half of those kept at a time."""
        [[oldest, newest]] = self.connection.execute("select min(height), max(height) from block").fetchall()
        if oldest is None or newest - oldest < self._kept_blocks * 3 // 2:
            return
        last = newest - self._kept_blocks
        self.connection.execute(
            """
            insert into created
            select day, sum(created_satoshi)::bigint, sum(created_coins)::bigint
            from block where height <= $1 group by day
            """,
            [last],
        )
        for table, condition in (("spent", ""), ("own", "and is_own")):
            self.connection.execute(
                f"""
                insert into {table}
                select created_day, day, {CELLS}
                from block_spent join block using (height)
                where height <= $1 {condition}
                group by created_day, day
                """,
                [last],
            )
        self.connection.execute("delete from folded")
        self.connection.execute("insert into folded select height, hash from block where height = ?", [last])
        for table in ("block", "block_spent"):
            self.connection.execute(f"delete from {table} where height <= ?", [last])
