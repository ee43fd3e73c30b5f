"""The join on DuckDB: the true cells whatever the limits, and nothing published that does not add up."""

import shutil
import struct
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from chain.errors import CellsError, JoinError
from chain.join import JoinLimits, OnDuckDB, cells_digest, join
from chain.join.main_chain import main_chain
from chain.published import current
from cli.main import main
from sandbox.chain import Plan, SyntheticLedger, TrueCells, mine, true_cells, write_parquet

# Twenty days; both pairs of repeated coinbases, an oversized script, four reorganisations, files that overlap.
PLAN = Plan(blocks=240, transactions_per_block=15, blocks_per_day=12, first_height=91_690)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def ledger() -> SyntheticLedger:
    return mine(PLAN)


@pytest.fixture(scope="module")
def truth(ledger: SyntheticLedger) -> TrueCells:
    return true_cells(ledger)


@pytest.fixture(scope="module")
def public_copy(ledger: SyntheticLedger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    write_parquet(ledger, folder)
    return folder


@pytest.fixture
def changed_copy(public_copy: Path, tmp_path: Path) -> Callable[..., Path]:
    """`changed_copy(day, change)`: a copy of the chain in which `change` got the rows of that day's only file."""

    def make(change: Callable[[list[Row]], None], table: str = "transactions") -> Path:
        folder = tmp_path / "changed"
        shutil.copytree(public_copy, folder, copy_function=shutil.copyfile)
        file = folder / table / f"date={some_day(public_copy)}" / "part-00000.snappy.parquet"
        before = pq.ParquetFile(file).read()
        rows = before.to_pylist()
        change(rows)
        pq.write_table(pa.Table.from_pylist(rows, schema=before.schema), file, use_deprecated_int96_timestamps=True)
        return folder

    return make


def some_day(public_copy: Path) -> str:
    """A late day of which there are only parts, so that a change is not mended by an overlapping file."""
    days = [
        folder.name.removeprefix("date=")
        for folder in sorted((public_copy / "transactions").iterdir())
        if all(file.name.startswith("part-") for file in folder.iterdir())
    ]
    return days[-1]


def refused(source: Path, root: Path) -> str:
    """Join, which must fail and leave nothing visible; the message."""
    with pytest.raises(JoinError) as error:
        join(source, root, OnDuckDB())
    assert current(root) is None
    return str(error.value)


def test_cells_are_the_true_ones(public_copy: Path, truth: TrueCells, ledger: SyntheticLedger, tmp_path: Path) -> None:
    joined = join(public_copy, tmp_path, OnDuckDB())
    assert pl.read_parquet(joined.cells.spent).equals(truth.spent)
    assert pl.read_parquet(joined.cells.created).equals(truth.created)
    reach = joined.cells.reach
    assert (reach.way, reach.first_height, reach.last_height) == ("parquet", ledger.first_height, ledger.tip_height)
    assert current(tmp_path) == joined.cells
    assert reach.last_day < truth.spent["spent_day"].max()
    assert not [path for path in (tmp_path / "join").iterdir() if path.is_dir()]


def test_neither_memory_nor_the_number_of_buckets_changes_a_cell(
    public_copy: Path, truth: TrueCells, tmp_path: Path
) -> None:
    truth.spent.write_parquet(tmp_path / "spent.parquet")
    truth.created.write_parquet(tmp_path / "created.parquet")
    expected = cells_digest(tmp_path / "spent.parquet", tmp_path / "created.parquet")
    small = JoinLimits(memory_bytes=60_000_000, threads=1, fewest_buckets=64)
    assert join(public_copy, tmp_path / "small", OnDuckDB(small)).digest == expected
    assert join(public_copy, tmp_path / "large", OnDuckDB()).digest == expected


def test_what_does_not_fit_into_memory_is_spilled_and_changes_no_cell(tmp_path: Path) -> None:
    ledger = mine(Plan(blocks=300, transactions_per_block=800, blocks_per_day=12))
    write_parquet(ledger, tmp_path / "public")
    cells = true_cells(ledger)
    cells.spent.write_parquet(tmp_path / "spent.parquet")
    cells.created.write_parquet(tmp_path / "created.parquet")
    tight = JoinLimits(memory_bytes=40_000_000, threads=1, fewest_buckets=1, most_buckets=1)
    spilling = join(tmp_path / "public", tmp_path / "tight", OnDuckDB(tight))
    roomy = join(tmp_path / "public", tmp_path / "roomy", OnDuckDB())
    assert spilling.spilled_bytes > 1_000_000
    assert roomy.spilled_bytes == 0
    assert spilling.digest == roomy.digest == cells_digest(tmp_path / "spent.parquet", tmp_path / "created.parquet")


def test_there_are_as_many_buckets_as_memory_needs() -> None:
    assert JoinLimits(memory_bytes=10**9).buckets(8_000_000) == 16
    assert JoinLimits(memory_bytes=10**9).buckets(100_000_000) == 64
    assert JoinLimits(memory_bytes=8 * 10**9).buckets(1_300_000_000) == 128
    assert JoinLimits(memory_bytes=10**9).buckets(1_300_000_000) == 256


def test_a_join_that_was_interrupted_goes_on_where_it_stopped(
    public_copy: Path, truth: TrueCells, tmp_path: Path
) -> None:
    told: list[str] = []

    def interrupt(message: str) -> None:
        told.append(message)
        if message == "joining bucket 7 of 16":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        join(public_copy, tmp_path, OnDuckDB(), tell=interrupt)
    assert current(tmp_path) is None
    again: list[str] = []
    joined = join(public_copy, tmp_path, OnDuckDB(), tell=again.append)
    assert again[1:] == [f"joining bucket {number} of 16" for number in range(7, 17)]
    assert pl.read_parquet(joined.cells.spent).equals(truth.spent)


def test_an_interrupted_join_may_go_on_with_other_limits(public_copy: Path, truth: TrueCells, tmp_path: Path) -> None:
    def interrupt(message: str) -> None:
        if message == "joining bucket 7 of 64":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        join(public_copy, tmp_path, OnDuckDB(JoinLimits(fewest_buckets=64)), tell=interrupt)
    joined = join(public_copy, tmp_path, OnDuckDB(JoinLimits(fewest_buckets=16)))
    assert pl.read_parquet(joined.cells.spent).equals(truth.spent)


def test_half_done_work_of_another_copy_is_not_gone_on_with(public_copy: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(public_copy, source)

    def interrupt(message: str) -> None:
        if message == "joining bucket 2 of 16":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        join(source, tmp_path / "root", OnDuckDB(), tell=interrupt)
    newest = sorted((source / "transactions").glob("*/*.parquet"))[-1]
    newest.write_bytes(newest.read_bytes() + b"")  # the same bytes, fetched again
    told: list[str] = []
    join(source, tmp_path / "root", OnDuckDB(), tell=told.append)
    assert any(message.startswith("splitting") for message in told)


def test_a_missing_transaction_is_noticed(public_copy: Path, changed_copy: Callable[..., Path], tmp_path: Path) -> None:
    message = refused(changed_copy(lambda rows: rows.pop(3)), tmp_path / "root")
    assert some_day(public_copy) in message
    assert "transactions were found, and the day's blocks hold" in message


def test_a_missing_input_is_noticed(public_copy: Path, changed_copy: Callable[..., Path], tmp_path: Path) -> None:
    message = refused(changed_copy(lambda rows: rows[3]["inputs"].pop()), tmp_path / "root")
    assert some_day(public_copy) in message
    assert "inputs were found" in message


def test_a_missing_output_is_noticed(public_copy: Path, changed_copy: Callable[..., Path], tmp_path: Path) -> None:
    message = refused(changed_copy(lambda rows: rows[3]["outputs"].pop()), tmp_path / "root")
    assert some_day(public_copy) in message
    assert "missing or impossible" in message


@pytest.mark.parametrize("amount", [None, -0.5, float("nan"), 22e6])
def test_an_impossible_amount_is_noticed(
    amount: float | None, public_copy: Path, changed_copy: Callable[..., Path], tmp_path: Path
) -> None:
    def change(rows: list[Row]) -> None:
        rows[3]["inputs"][0]["value"] = amount

    message = refused(changed_copy(change), tmp_path / "root")
    assert some_day(public_copy) in message
    assert "missing or impossible" in message


@pytest.mark.parametrize("satoshi", [-1, 1, 10**14])
def test_an_input_that_is_not_worth_its_output_is_named(
    satoshi: int, public_copy: Path, changed_copy: Callable[..., Path], tmp_path: Path
) -> None:
    outpoints: list[str] = []

    def change(rows: list[Row]) -> None:
        spending = rows[3]["inputs"][0]
        spending["value"] += satoshi / 10**8
        outpoints.append(f"{spending['spent_transaction_hash'][:32]}:{spending['spent_output_index']} ")

    message = refused(changed_copy(change), tmp_path / "root")
    assert some_day(public_copy) in message
    assert "1 inputs are not worth what the outputs that they spend are" in message
    assert outpoints[0] in message


def test_two_wrong_values_that_cancel_out_are_noticed(changed_copy: Callable[..., Path], tmp_path: Path) -> None:
    def change(rows: list[Row]) -> None:
        one, other = [row["inputs"][0] for row in rows if not row["is_coinbase"]][:2]
        assert one["value"] != other["value"]
        one["value"], other["value"] = other["value"], one["value"]

    assert "2 inputs are not worth what" in refused(changed_copy(change), tmp_path / "root")


def test_a_spent_output_that_does_not_exist_is_noticed(changed_copy: Callable[..., Path], tmp_path: Path) -> None:
    def change(rows: list[Row]) -> None:
        rows[3]["inputs"][0]["spent_output_index"] += 1_000

    assert "are not worth what the outputs" in refused(changed_copy(change), tmp_path / "root")


def test_money_out_of_nothing_is_noticed(public_copy: Path, changed_copy: Callable[..., Path], tmp_path: Path) -> None:
    def change(rows: list[Row]) -> None:
        young = next(row for row in rows if row["is_coinbase"])  # too young to be spent
        young["outputs"][0]["value"] += 601  # a day has about a dozen blocks, each may make 50

    message = refused(changed_copy(change), tmp_path / "root")
    assert some_day(public_copy) in message
    assert "satoshi came into being" in message


def test_a_transaction_in_two_blocks_is_noticed(changed_copy: Callable[..., Path], tmp_path: Path) -> None:
    def change(rows: list[Row]) -> None:
        other = next(row for row in rows if row["block_hash"] != rows[3]["block_hash"] and not row["is_coinbase"])
        other["hash"] = rows[3]["hash"]

    message = refused(changed_copy(change), tmp_path / "root")
    assert "on the main chain twice and differ" in message


def test_a_copy_that_begins_too_late_is_refused(public_copy: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(public_copy, source)
    for table in ("blocks", "transactions"):
        for folder in sorted((source / table).iterdir())[:14]:
            shutil.rmtree(folder)
    message = refused(source, tmp_path / "root")
    assert "inputs spend coins of transactions that are not in the copy" in message


def test_a_damaged_file_is_named(public_copy: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(public_copy, source)
    damaged = source / "transactions" / f"date={some_day(public_copy)}" / "part-00000.snappy.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    assert damaged.name in refused(source, tmp_path / "root")


def test_a_folder_that_is_no_copy_is_refused(tmp_path: Path) -> None:
    assert "blocks/ and transactions/ of the public copy" in refused(tmp_path, tmp_path / "root")


def test_the_command_publishes_and_says_so(public_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_HOME", str(tmp_path))
    result = CliRunner().invoke(main, ["chain", "join", str(public_copy), "--memory", "500MB"])
    assert result.exit_code == 0, result.output
    assert "published: heights 91,690 to 91,929" in result.output
    assert current(tmp_path / "chain") is not None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--engine", "spark"], "needs --master"),
        (["--master", "spark://127.0.0.1:1"], "--master is for --engine spark"),
        (["--memory", "much"], "is no amount of memory"),
    ],
)
def test_contradicting_options_are_refused(arguments: list[str], says: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["chain", "join", str(tmp_path), *arguments])
    assert result.exit_code == 2
    assert says in result.output


def headers(*rows: tuple[str, int, str | None]) -> pl.DataFrame:
    """Blocks from (hash, height, previous hash), an hour apart."""
    return pl.DataFrame(
        [
            {
                "hash": name,
                "height": height,
                "previous_hash": before,
                "time_s": 1_231_006_505 + 3_600 * height,
                "transactions": 1,
            }
            for name, height, before in rows
        ]
    )


def test_the_main_chain_is_what_the_newest_block_descends_from() -> None:
    found = main_chain(
        headers(
            ("c2", 2, "b"),
            ("a", 0, None),
            ("b", 1, "a"),
            ("x2", 2, "b"),
            ("x3", 3, "x2"),
            ("c3", 3, "c2"),
            ("c4", 4, "c3"),
        )
    )
    assert found.blocks["block_hash"].to_list() == ["a", "b", "c2", "c3", "c4"]
    assert found.blocks["coinbase_is_coin"].to_list() == [False, True, True, True, True]
    assert (found.first_height, found.last_height, found.last_hash) == (0, 4, "c4")


def test_where_two_newest_blocks_compete_the_chain_ends_before_them() -> None:
    found = main_chain(headers(("a", 0, None), ("b", 1, "a"), ("c", 2, "b"), ("x", 2, "b")))
    assert found.blocks["block_hash"].to_list() == ["a", "b"]


def test_a_missing_block_is_named() -> None:
    with pytest.raises(JoinError, match="Block b at height 1 is missing"):
        main_chain(headers(("a", 0, None), ("c", 2, "b"), ("d", 3, "c")))


def test_the_last_day_is_the_one_before_the_median_of_the_newest_eleven() -> None:
    # Hourly blocks from 2009-01-03 18:15; the newest is 40 hours later, the sixth newest on 2009-01-05 05:15.
    rows = [(f"h{height}", height, f"h{height - 1}" if height else None) for height in range(41)]
    assert main_chain(headers(*rows)).last_day == date(2009, 1, 4)


def test_the_digest_is_a_hash_of_sorted_integers(tmp_path: Path) -> None:
    spent, created = tmp_path / "spent.parquet", tmp_path / "created.parquet"
    first, second = date(1970, 1, 2), date(1970, 1, 3)
    pl.DataFrame({"c": [first, first], "s": [first, second], "satoshi": [5, 7], "coins": [1, 2]}).write_parquet(spent)
    pl.DataFrame({"c": [first], "satoshi": [12], "coins": [3]}).write_parquet(created)
    by_hand = struct.pack("<8q", 1, 1, 5, 1, 1, 2, 7, 2) + b"|" + struct.pack("<3q", 1, 12, 3) + b"|"
    assert cells_digest(spent, created) == sha256(by_hand).hexdigest()
    pl.DataFrame({"c": [second, first], "satoshi": [12, 1], "coins": [3, 1]}).write_parquet(created)
    with pytest.raises(CellsError, match="order of its keys"):
        cells_digest(spent, created)
