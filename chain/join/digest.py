"""One hash for the two tables of cells. It does not depend on the engine that wrote them."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chain.errors import CellsError

_DAY_BITS = 32  # days since 1970, none before, fit into as many


def cells_digest(spent: Path, created: Path) -> str:
    """SHA-256 of both tables: every row in the order of its keys, every column as 64 bit integer, little end first.

    Days count from 1970. Raises CellsError when rows are not in the order of their keys, or a key is there twice.
    """
    digest = hashlib.sha256()
    for file, keys in ((spent, 2), (created, 1)):
        last = np.int64(-1)
        for batch in pq.ParquetFile(file).iter_batches(batch_size=1 << 20):
            rows = np.column_stack([_integers(column) for column in batch.columns]).astype("<i8")
            key = rows[:, 0] << _DAY_BITS | rows[:, 1] if keys == 2 else rows[:, 0]
            if len(key) and (key[0] <= last or (np.diff(key) <= 0).any()):
                raise CellsError(f"{file} is not in the order of its keys, so its digest would mean nothing.")
            last = key[-1] if len(key) else last
            digest.update(rows.tobytes())
        digest.update(b"|")
    return digest.hexdigest()


def _integers(column: pa.Array) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    days = pa.types.is_date32(column.type)
    integers: np.ndarray[tuple[int], np.dtype[np.int64]] = (
        (column.cast(pa.int32()) if days else column).to_numpy().astype(np.int64)
    )
    return integers
