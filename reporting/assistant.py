"""A read-only Model Context Protocol server, so that an assistant answers from the warehouse and not from memory.

Every call opens the published file anew and sees the newest publication whole. `public` leaves out the values that may
not be passed on, as everywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic_core import to_jsonable_python

from reporting import forecast_words
from reporting.board import Board, BoardError, PublishedWarehouse, Reading, Rule, open_published
from reporting.sql_session import FOR_ASSISTANTS, QueryError, QueryLimits, SqlSession
from reporting.words import Words

Answer = TypeVar("Answer")

MOST_DAYS: Final = 1_000

INSTRUCTIONS: Final = """
Leadline says each day, from raw sources, whether Bitcoin's price level holds or whether this is only a pause. Readings,
states and regimes are as they were known at 01:00 UTC of the next day; a missing reading is null and never guessed.
`forecast` gives logged chances with their record: say both, and that they advise nothing.
Where `is_simulated` is true, every number comes from a generator: say so.
Begin with `board`; `why` gives the evidence, `signals` the definitions, `sql` everything else (DuckDB, schema marts).
""".strip()


def server(published: Path, *, public: bool = False, version: str = "") -> MCPServer[None]:
    """The server over one published file, with tools that only read."""
    assistant = Assistant(published, public)
    mcp: MCPServer[None] = MCPServer("leadline", title="Leadline", instructions=INSTRUCTIONS, version=version)
    for tool in (
        assistant.board,
        assistant.why,
        assistant.forecast,
        assistant.signals,
        assistant.signal_history,
        assistant.rules,
        assistant.sql,
    ):
        mcp.tool()(tool)
    return mcp


class Assistant:
    """What an assistant may ask. Each answer is plain JSON; each error says what to do."""

    def __init__(self, published: Path, public: bool, limits: QueryLimits = FOR_ASSISTANTS) -> None:
        self._published = published
        self._public = public
        self._limits = limits

    def board(self, day: date | None = None) -> dict[str, Any]:
        """The board of a UTC day (newest by default): regime, price against the level, seven buckets, H, R and S."""
        with self._open() as warehouse:
            board = warehouse.board(day)
        words = Words("en")
        return _plain(
            {
                **_head(board),
                "regime": board.regime.regime,
                "regime_since": board.regime.since,
                "regime_means": words.say("meaning", board.regime.regime),
                "price": words.price(board),
                "next_condition": board.regime.next_condition,
                "buckets": [
                    {
                        "bucket": bucket.bucket,
                        "state": bucket.state,
                        "days_in_state": bucket.days_in_state,
                        "reading": _reading(bucket.primary),
                        "to_flip": words.flip(bucket, board.readings),
                        "waiting_for": bucket.waiting_for,
                    }
                    for bucket in board.buckets
                ],
                "conditions": {
                    name: {"says": words.say("conditions", name), "holds": condition.holds}
                    for name, condition in board.conditions.items()
                },
            }
        )

    def why(self, day: date | None = None) -> dict[str, Any]:
        """Why the board of a UTC day says what it says: the evidence of regime, buckets and conditions."""
        with self._open() as warehouse:
            board = warehouse.board(day)
        return _plain(
            {
                **_head(board),
                "regime": board.regime.regime,
                "explanation": board.regime.explanation,
                "buckets": {
                    bucket.bucket: {
                        "state": bucket.state,
                        "evidence": bucket.evidence,
                        "confirms": [_rule(rule) for rule in bucket.confirms],
                        "continues": [_rule(rule) for rule in bucket.continues],
                    }
                    for bucket in board.buckets
                },
                "conditions": {
                    name: {"holds": condition.holds, "evidence": condition.evidence}
                    for name, condition in board.conditions.items()
                },
            }
        )

    def forecast(self, day: date | None = None) -> dict[str, Any]:
        """The chances of a UTC day's forecast (newest by default) by horizon and price, with record and verdict."""
        with self._open() as warehouse:
            board = warehouse.board(day)
        said = forecast_words.lines(Words("en"), board.forecast)
        return _plain({**_head(board), "says": said, "forecast": asdict(board.forecast) if board.forecast else None})

    def signals(self) -> list[dict[str, Any]]:
        """Every signal: id, bucket, name, unit, what a rise means, formula, datasets, publication lag, citation."""
        with self._open() as warehouse:
            return _plain(
                warehouse.rows(
                    "select signal_id, bucket, name_en as name, unit, direction, formula, datasets, publication_lag_h, "
                    "valid_from, citation from marts.dim_signal order by bucket, signal_id"
                )
            )

    def signal_history(self, signal_id: str, first: date | None = None, last: date | None = None) -> dict[str, Any]:
        """The newest 1000 days of one signal between two UTC days: as known on the day, and as settled since."""
        with self._open() as warehouse:
            defined = warehouse.rows("select unit from marts.dim_signal where signal_id = $id", id=signal_id)
            if not defined:
                raise ToolError(f"No signal is called {signal_id!r}. The tool `signals` lists them.")
            rows = warehouse.rows(
                f"""
                select signal_date, value_as_known, observed_date, value as settled, is_final, provider, percentile_365d
                from marts.fct_signal_daily
                where signal_id = $id
                    and signal_date between coalesce($first, date '0001-01-01') and coalesce($last, date '9999-12-31')
                order by signal_date desc limit {MOST_DAYS}
                """,
                id=signal_id,
                first=first,
                last=last,
            )
        return _plain({"signal_id": signal_id, "unit": defined[0]["unit"], "days": rows[::-1]})

    def rules(self, day: date | None = None) -> list[dict[str, Any]]:
        """Every rule in force on a UTC day: what it asks, whether it holds, and the distance to its flip."""
        with self._open() as warehouse:
            signal_date = warehouse.board(day).signal_date
            return _plain(
                warehouse.rows(
                    """
                    select
                        rule.rule_id, rule.target_id, rule.direction, rule.signal_id, rule.measure, rule.operator,
                        rule.enter_threshold, rule.unit, rule.readings, rule.rationale, rule.source,
                        daily.value, daily.observed_date, daily.holds, daily.flip_distance
                    from marts.fct_rule_daily as daily
                    join marts.dim_rule as rule
                        on rule.rule_id = daily.rule_id and daily.signal_date between rule.valid_from and rule.valid_to
                    where daily.signal_date = $day
                    order by rule.target_id, rule.direction, rule.rule_id
                    """,
                    day=signal_date,
                )
            )

    def sql(self, query: str) -> dict[str, Any]:
        """One read-only DuckDB query on the schema marts: at most 1000 rows, 1 MB, 10 s. `show all tables` helps."""
        try:
            with SqlSession(self._published, self._limits, public=self._public) as session:
                answer = session.ask(query)
        except QueryError as error:
            raise ToolError(f"{error}") from error
        return {"columns": answer.columns, "rows": answer.rows, "is_cut_off": answer.is_cut_off}

    @contextmanager
    def _open(self) -> Iterator[PublishedWarehouse]:
        try:
            with open_published(self._published, public=self._public) as warehouse:
                yield warehouse
        except BoardError as error:
            raise ToolError(f"{error}") from error


def _head(board: Board) -> dict[str, Any]:
    return {"signal_date": board.signal_date, "origin": board.origin, "is_simulated": board.is_simulated}


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "signal_id": reading.signal_id,
        "value": reading.value,
        "unit": reading.unit,
        "observed_date": reading.observed_date,
        "age_days": reading.age_days,
        "percentile_365d": reading.percentile_365d,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "rule_id": rule.rule_id,
        "says": f"{rule.signal_id} {rule.measure} {rule.operator} {rule.enter_threshold} for {rule.readings} readings",
        "reading": rule.value,
        "holds": rule.holds,
        "because": rule.rationale,
    }


def _plain(answer: Answer) -> Answer:
    """Dates as ISO text; what is no number in JSON (infinity) as null."""
    plain: Answer = to_jsonable_python(answer, inf_nan_mode="null", fallback=str)
    return plain
