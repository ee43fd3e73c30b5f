"""The history of every signal and of the regimes: for charts, for programs, and for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

import orjson

from reporting.board import CONDITIONS
from reporting.localization import LANGUAGES, Words
from reporting.observed import Point, line
from reporting.published import PublishedWarehouse
from reporting.site.folder import Folder

COLUMNS: Final = ("signal_date", "value_as_known", "observed_date", "is_fresh", "value", "is_final", "source_count")
# What programs get of them, by the names of the answers.
EXPORTED: Final = {
    "signal_date": "signal_date",
    "value_as_known": "value_as_known",
    "observed_date": "observed_date",
    "settled": "value",
}
# A state or a truth of a day as one character, so that all days fit into one small file.
STATE_LETTERS: Final = {"bull": "B", "improving": "i", "neutral": "n", "worsening": "w", "bear": "b", "unknown": "?"}
TRUTH_LETTERS: Final = {True: "1", False: "0", None: "?"}


@dataclass(frozen=True)
class SignalDefinition:
    """A row of dim_signal."""

    signal_id: str
    bucket: str
    name_en: str
    name_zh: str
    unit: str
    decimals: int | None
    formula: str | None
    direction: str | None
    publication_lag_h: float | None
    valid_from: date | None
    datasets: str | None
    citation: str | None


@dataclass(frozen=True)
class SignalHistory:
    """All days of a signal as rows of COLUMNS by date, and the points of its line."""

    signal: SignalDefinition
    rows: Sequence[tuple[Any, ...]]
    points: Sequence[Point]
    providers: Sequence[str]  # the newest first

    @property
    def observed(self) -> list[Point]:
        """The points that are observations."""
        return [point for point in self.points if point.value is not None]

    @property
    def revised_days(self) -> int:
        """Days on which the settled value differs from what was known at the cut-off."""
        return sum(row[1] is not None and row[4] is not None and row[1] != row[4] for row in self.rows)


def read_signals(warehouse: PublishedWarehouse) -> list[SignalDefinition]:
    """Every signal that is defined, bucket by bucket; those of the price alone come first."""
    columns = ", ".join(f"signals.{name}" for name in SignalDefinition.__dataclass_fields__)
    rows = warehouse.rows(
        f"""
        select {columns}
        from marts.dim_signal as signals
        left join marts.dim_bucket as places using (bucket)
        order by places.position nulls first, signals.signal_id
        """
    )
    return [SignalDefinition(**row) for row in rows]


def read_histories_of_signals(warehouse: PublishedWarehouse) -> Iterator[SignalHistory]:
    """The whole history of each signal that has a value on some day."""
    signals = {signal.signal_id: signal for signal in read_signals(warehouse)}
    rows = warehouse.connection.execute(
        f"select signal_id, {', '.join(COLUMNS)}, provider from marts.fct_signal_daily order by signal_id, signal_date"
    ).fetchall()
    for name, run in groupby(rows, key=lambda row: row[0]):
        days = [row[1:] for row in run]
        if name not in signals or all(day[1] is None and day[4] is None for day in days):
            continue
        points = line(day[:4] for day in days)
        providers = dict.fromkeys(day[-1] for day in reversed(days) if day[-1])
        yield SignalHistory(signals[name], [day[:-1] for day in days], points, list(providers))


def put_signal(folder: Folder, history: SignalHistory) -> None:
    """Write the files of one signal: points for its charts, columns for programs, rows for spreadsheets."""
    signal, name = history.signal, history.signal.signal_id
    chart = {
        "unit": signal.unit,
        "decimals": signal.decimals,
        "name": {"en": signal.name_en, "zh": signal.name_zh},
        "dates": [point.observed for point in history.points],
        "values": [point.value for point in history.points],
        # Days from the observed date to the first board that knew it: a past day's page stops at what it knew.
        "after": [(point.seen - point.observed).days for point in history.points],
    }
    folder.put(f"data/{name}.js", _script(name, chart))
    where = {column: number for number, column in enumerate(COLUMNS)}
    begun = next(at for at, row in enumerate(history.rows) if row[where["value"]] is not None or row[1] is not None)
    data = {key: [row[where[column]] for row in history.rows[begun:]] for key, column in EXPORTED.items()}
    answer = {
        "schema_version": "1",
        "signal_id": name,
        "name": signal.name_en,
        "unit": signal.unit,
        "as_known": "value_as_known: at 01:00 UTC of the day after signal_date; settled: the newest version",
        "data": data,
    }
    folder.put(f"api/v1/signals/{name}.json", orjson.dumps(answer))
    folder.put(f"api/v1/signals/{name}.csv", table(list(EXPORTED), zip(*data.values(), strict=True)))


def put_days(folder: Folder, warehouse: PublishedWarehouse) -> list[dict[str, Any]]:
    """Write the summary of all days, for the chart of the price, for comparing, for programs. Returns its rows."""
    days = _days(warehouse)
    chart: dict[str, Any] = {
        "dates": [day["signal_date"] for day in days],
        **{name: [day[name] for day in days] for name in days[0] if name != "signal_date"},
    }
    chart["names"] = _names({day["regime"] for day in days})
    folder.put("data/days.js", _script("days", chart))
    folder.put("api/v1/days.json", orjson.dumps({"schema_version": "1", "days": days}))
    folder.put("api/v1/days.csv", table(list(days[0]), (day.values() for day in days)))
    return days


def _days(warehouse: PublishedWarehouse) -> list[dict[str, Any]]:
    buckets = warehouse.buckets()
    states: dict[date, dict[str, str]] = {}
    for day, bucket, state in warehouse.connection.execute(
        "select signal_date, bucket, state from marts.fct_bucket_daily"
    ).fetchall():
        states.setdefault(day, {})[bucket] = STATE_LETTERS.get(state, "?")
    conditions: dict[date, dict[str, str]] = {}
    for day, condition, holds in warehouse.connection.execute(
        "select signal_date, condition_id, holds from marts.fct_condition_daily"
    ).fetchall():
        conditions.setdefault(day, {})[condition] = TRUTH_LETTERS[holds]
    rows = warehouse.rows(
        """
        select signal_date, regime, btc_close_usd, level_usd, cluster_low_usd, cluster_high_usd, next_condition
        from marts.fct_regime_daily order by signal_date
        """
    )
    for row in rows:
        day = row["signal_date"]
        row["buckets"] = _letters(states.get(day, {}), buckets)
        row["conditions"] = _letters(conditions.get(day, {}), CONDITIONS)
    return rows


def _names(regimes: Iterable[str]) -> dict[str, dict[str, dict[str, str]]]:
    """What the letters of the summary are called, by language."""
    words = [Words(language) for language in LANGUAGES]
    truths = {letter: "unknown" if truth is None else str(truth).lower() for truth, letter in TRUTH_LETTERS.items()}
    wanted = {
        "regimes": {regime: regime for regime in sorted(regimes)},
        "states": {letter: state for state, letter in STATE_LETTERS.items()},
        "truth": truths,
    }
    return {
        section: {key: {each.language: each.say(section, name) for each in words} for key, name in keys.items()}
        for section, keys in wanted.items()
    }


def _letters(found: Mapping[str, str], names: Sequence[str]) -> str:
    return "".join(found.get(name, "?") for name in names)


def table(columns: Sequence[str], rows: Any, *, encoding: str = "utf-8") -> bytes:
    """Rows as CSV; with `utf-8-sig` also Excel reads what is not ASCII."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def _script(name: str, content: Mapping[str, Any]) -> bytes:
    """Data as a script, because a page that is opened from disk may load a script and nothing else."""
    return b"leadline.data(" + orjson.dumps(name) + b"," + orjson.dumps(content) + b");\n"
