"""The join on a real Spark cluster gives the same cells as on DuckDB and as the chain was made with.

Also when a worker dies in the midst of it. One million outputs; needs Java 17 and pyspark: `make test-spark`.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chain.errors import JoinError
from chain.join import OnDuckDB, OnSpark, cells_digest, join
from sandbox.chain import Plan, mine, true_cells, write_parquet
from sandbox.spark import Cluster, Worker, running_cluster

pytestmark = pytest.mark.spark

PLAN = Plan(blocks=1_000, transactions_per_block=480, blocks_per_day=40)
OUTPUTS = 1_000_000


@pytest.fixture(scope="module")
def public_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public copy of a chain, and beside it the true digest in `digest`."""
    folder = tmp_path_factory.mktemp("public")
    ledger = mine(PLAN)
    assert len(ledger.value_satoshi) > OUTPUTS
    truth = true_cells(ledger)
    truth.spent.write_parquet(folder / "spent.parquet")
    truth.created.write_parquet(folder / "created.parquet")
    (folder / "digest").write_text(cells_digest(folder / "spent.parquet", folder / "created.parquet"))
    write_parquet(ledger, folder)
    return folder


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), workers=2) as cluster:
        yield cluster


def test_spark_and_duckdb_give_the_true_cells(public_copy: Path, cluster: Cluster, tmp_path: Path) -> None:
    truth = (public_copy / "digest").read_text()
    assert join(public_copy, tmp_path / "duckdb", OnDuckDB()).digest == truth
    assert join(public_copy, tmp_path / "spark", OnSpark(cluster.master_url)).digest == truth
    assert cluster.state()["aliveworkers"] == 2


def test_a_wrong_value_is_refused_alike_on_both_engines(cluster: Cluster, tmp_path: Path) -> None:
    source = tmp_path / "public"
    write_parquet(mine(Plan(blocks=240, transactions_per_block=15, blocks_per_day=12)), source)
    file = next(  # a day of which there are only parts, so that no overlapping file says otherwise
        folder / "part-00000.snappy.parquet"
        for folder in sorted((source / "transactions").iterdir(), reverse=True)
        if all(path.name.startswith("part-") for path in folder.iterdir())
    )
    table = pq.ParquetFile(file).read()
    rows = table.to_pylist()
    spending = next(row for row in rows if not row["is_coinbase"])["inputs"][0]
    spending["value"] += 1 / 10**8
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file, use_deprecated_int96_timestamps=True)
    messages = []
    for engine in (OnDuckDB(), OnSpark(cluster.master_url)):
        with pytest.raises(JoinError) as refusal:
            join(source, tmp_path / "home", engine)
        messages.append(str(refusal.value))
    assert messages[0] == messages[1]
    assert f"{spending['spent_transaction_hash'][:32]}:{spending['spent_output_index']} " in messages[0]


def test_a_worker_killed_in_the_midst_changes_no_cell(public_copy: Path, cluster: Cluster, tmp_path: Path) -> None:
    over = threading.Event()
    killed: list[Worker] = []

    def kill_who_has_shuffled() -> None:
        known = {worker.folder: worker.shuffled() for worker in cluster.workers}
        while not over.wait(0.05):
            for worker in cluster.workers:
                if worker.shuffled() - known[worker.folder]:  # what it wrote in this join is lost with it
                    worker.kill()
                    killed.append(worker)
                    return

    killer = threading.Thread(target=kill_who_has_shuffled)
    killer.start()
    try:
        joined = join(public_copy, tmp_path, OnSpark(cluster.master_url))
    finally:
        over.set()
        killer.join()
    assert killed, "no worker had shuffled before the join was over"
    assert cluster.state()["aliveworkers"] == 1
    assert joined.digest == (public_copy / "digest").read_text()
