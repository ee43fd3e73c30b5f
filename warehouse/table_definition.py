"""What a table is: its rows in a sentence, and its columns."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TableDefinition:
    """One table of the books: what a row is, and column -> (SQL type with constraints, comment)."""

    comment: str
    columns: Mapping[str, tuple[str, str]]

    @property
    def body(self) -> str:
        """Its columns as CREATE TABLE takes them."""
        return ", ".join(f'"{name}" {sql_type}' for name, (sql_type, _) in self.columns.items())
