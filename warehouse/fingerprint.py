"""Hashes of the rows of a table that do not depend on their order: one to compare tables, one to notice a change."""

import hashlib
from collections.abc import Collection

import duckdb

from warehouse.tables import quoted_list


def table_hash(connection: duckdb.DuckDBPyConnection, table: str, *, without: Collection[str] = ()) -> str:
    """SHA-256 over the sorted rows of a table, given as SQL (`raw."binance__funding_rate"`), less some columns.

    Each row goes in as the MD5 of its JSON text, in which null and text are told apart and doubles are exact. `load_id`
    tells how rows came in, not what they say: leave it out to compare different ways of loading.
    """
    kept = f"* exclude ({quoted_list(sorted(without))})" if without else "*"
    rows = connection.execute(
        f"select md5(to_json(kept)::varchar) as row_hash from (select {kept} from {table}) kept order by row_hash"
    )
    digest = hashlib.sha256()
    while batch := rows.fetchmany(100_000):
        digest.update("".join(row_hash for (row_hash,) in batch).encode())
    return digest.hexdigest()


def rows_mark(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Number and hash of the rows of a relation, given as SQL. It changes when a row comes, goes or changes.

    A tenth of a second for a million rows. DuckDB may hash otherwise in its next version, so compare marks of one
    version only.
    """
    marked = connection.execute(f"select count(*), sum(hash(t)::hugeint) from {relation} as t").fetchone()
    return repr(marked)
