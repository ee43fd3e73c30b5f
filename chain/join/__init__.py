"""From the public Parquet copy of the chain to cells: the join that finds the day on which each spent coin was created.

`join` runs it on DuckDB or on Spark and publishes the cells under `<home>/chain`; `logic` is what both engines run.
"""

from chain.join.digest import cells_digest
from chain.join.on_duckdb import JoinLimits
from chain.join.public_copy import PublicCopy
from chain.join.run import JoinResult, OnDuckDB, OnSpark, join

__all__ = ["JoinLimits", "JoinResult", "OnDuckDB", "OnSpark", "PublicCopy", "cells_digest", "join"]
