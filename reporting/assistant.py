"""A read-only Model Context Protocol server, so that an assistant answers from the warehouse and not from memory.

Every call opens the published file anew and sees the newest publication whole. `public` leaves out the values that may
not be passed on, as everywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic_core import to_jsonable_python

from reporting import forecast_words
from reporting.answers import cut_off
from reporting.board import Board, Reading, Rule
from reporting.localization import Words
from reporting.observed import lateness
from reporting.published import BoardError, PublishedWarehouse, open_published
from reporting.sql_session import FOR_ASSISTANTS, QueryError, QueryLimits, SqlSession

Answer = TypeVar("Answer")

MOST_DAYS: Final = 1_000

INSTRUCTIONS: Final = """
Leadline says each day, from raw sources, whether Bitcoin's price level holds or whether this is only a pause. Readings,
states and regimes are as they were known at 01:00 UTC of the next day; a missing reading is null and never guessed.
`forecast` gives logged chances with their record: say both, and that they advise nothing.
Where `is_simulated` is true, every number comes from a generator: say so.
Begin with `board`, whose `verdict` answers the question;
`why` gives the evidence, `signals` the definitions, `sql` everything else (DuckDB, schema marts).
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
        assistant.signal,
        assistant.as_known,
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
                **_head(board, day is None),
                "verdict": words.verdict(board),
                "position": board.regime.position,
                "evidence_for_level": board.regime.evidence_for_level,
                "decided_by": board.regime.decided_by,
                "level_in_force": words.level_in_force(board),
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
                **_head(board, day is None),
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

    def forecast(self, day: date | None = None, language: Literal["en", "zh"] = "en") -> dict[str, Any]:
        """Chances of a UTC day's forecast (newest by default) by horizon and price, with record; `says`: in words."""
        with self._open() as warehouse:
            board = warehouse.board(day)
        said = forecast_words.lines(Words(language), board.forecast)
        return _plain(
            {**_head(board, day is None), "says": said, "forecast": asdict(board.forecast) if board.forecast else None}
        )

    def signals(self, bucket: str | None = None, search: str | None = None) -> dict[str, Any]:
        """Ids, names, units of signals: of one bucket, or whose id or name holds `search`; `signal` says the rest."""
        with self._open() as warehouse:
            rows = warehouse.rows(
                """
                select signal_id, bucket, name_en as name, unit
                from marts.dim_signal
                where ($bucket is null or bucket = $bucket)
                    and ($search is null or concat_ws(' ', signal_id, name_en, name_zh) ilike '%' || $search || '%')
                order by bucket, signal_id
                """,
                bucket=bucket,
                search=search,
            )
        buckets: dict[str, list[str]] = {}
        for row in rows:
            buckets.setdefault(row["bucket"], []).append(f"{row['signal_id']}: {row['name']} [{row['unit']}]")
        return _plain({"count": len(rows), "signals_by_bucket": buckets})

    def signal(self, signal_id: str) -> dict[str, Any]:
        """One signal's definition: formula, what a rise means, datasets, publication lag, since when, citation."""
        with self._open() as warehouse:
            found = warehouse.rows("select * from marts.dim_signal where signal_id = $id", id=signal_id)
        if not found:
            raise ToolError(f"No signal is called {signal_id!r}. The tool `signals` lists them.")
        return _plain(found[0])

    def as_known(self, day: date, instant: datetime) -> list[dict[str, Any]]:
        """Each signal of a UTC day as it was known at an instant (UTC), from the versions that were kept."""
        if self._public:
            raise ToolError("Versions are left out of the public edition; `board` has what may be passed on.")
        with self._open() as warehouse:
            query = "from as_known($day::date, $instant::timestamp)"
            found = warehouse.rows(query, day=day, instant=_naive(instant))
        return _plain(found)

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


def _naive(instant: datetime) -> datetime:
    """An instant as the warehouse keeps it: UTC without saying so."""
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def _head(board: Board, newest: bool) -> dict[str, Any]:
    """What every answer begins with. `days_late` says of the newest day for how long a newer one has been due."""
    head = {"signal_date": board.signal_date, "as_known_at": cut_off(board.signal_date), "origin": board.origin}
    return {**head, "is_simulated": board.is_simulated, "days_late": lateness(board) if newest else None}


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "signal_id": reading.signal_id,
        "value": reading.value,
        "unit": reading.unit,
        "observed_date": reading.observed_date,
        "age_days": reading.age_days,
        "percentile_365d": reading.percentile_365d,
        "source_count": reading.source_count,
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
