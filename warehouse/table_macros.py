"""Table macros in the published file that answer common questions. Each is a file in `macros/` with a comment on top.

They name schemas and no database: DuckDB looks the tables up in whatever database the caller uses.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TableMacro:
    """One macro: its name, its comment for readers and the SQL that creates it."""

    name: str
    comment: str
    sql: str


def _table_macro(file: Path) -> TableMacro:
    sql = file.read_text(encoding="utf-8")
    comment = " ".join(line.removeprefix("--").strip() for line in sql.splitlines() if line.startswith("--"))
    return TableMacro(file.stem, comment, sql)


TABLE_MACROS = tuple(_table_macro(file) for file in sorted((Path(__file__).parent / "macros").glob("*.sql")))
