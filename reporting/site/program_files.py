"""Static files for programs under `api/v1/`: answers as JSON with their schemas, and an OpenAPI description of them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import orjson

from reporting.answers import SCHEMAS, VERSION, day_answer, schema
from reporting.board import Board
from reporting.published import PublishedWarehouse
from reporting.site.folder import Folder
from reporting.site.frame import Edition
from reporting.site.series import SignalHistory, read_signals

API: Final = "api/v1"
# Address and content, in the order in which a newcomer needs them.
FILES: Final = (
    ("api/v1/latest.json", "the newest day's answer", "最新一日的回答"),
    (
        "api/v1/days.json",
        "every day in a line: regime, price, buckets, conditions",
        "每日一行：市场状态、价格、信号桶与条件",
    ),
    ("api/v1/days.csv", "the same for spreadsheets", "同上，供电子表格使用"),
    ("api/v1/signals.json", "definitions of all signals", "全部指标的定义"),
    ("api/v1/openapi.json", "every address and its schema (OpenAPI 3.1)", "全部地址及其模式（OpenAPI 3.1）"),
    ("api/v1/schema/day.json", "JSON Schema of a day's answer", "每日回答的 JSON Schema"),
    ("feed.xml", "daily answers and regime changes (Atom)", "每日回答与状态变化（Atom）"),
    ("feed.json", "the same as JSON Feed", "同上（JSON Feed）"),
    ("llms.txt", "what a language model should read first", "供语言模型首先阅读"),
)
CSV: Final = {"text/csv": {"schema": {"type": "string"}}}


def put_program_files(
    folder: Folder,
    warehouse: PublishedWarehouse,
    board: Board,
    histories: Sequence[SignalHistory],
    edition: Edition,
) -> None:
    """Write the newest answer, the definitions, the schemas and their description."""
    folder.put(f"{API}/latest.json", day_answer(board).model_dump_json())
    known = {history.signal.signal_id for history in histories}
    signals = [{**asdict(signal), "has_history": signal.signal_id in known} for signal in read_signals(warehouse)]
    folder.put(f"{API}/signals.json", orjson.dumps({"schema_version": VERSION, "signals": signals}))
    for name in SCHEMAS:
        folder.put(f"{API}/schema/{name}.json", orjson.dumps(schema(name), option=orjson.OPT_INDENT_2))
    folder.put(f"{API}/openapi.json", orjson.dumps(openapi(edition.base), option=orjson.OPT_INDENT_2))
    folder.put("llms.txt", _for_language_models(board))


def openapi(base: str) -> dict[str, Any]:
    """Every address under `api/v1/`, for generators of clients and for people."""
    day = {"application/json": {"schema": {"$ref": "#/components/schemas/DayAnswer"}}}
    anything = {"application/json": {"schema": {"type": "object"}}}
    paths = {
        "latest.json": ("The newest day's answer.", day, ()),
        "days/{signal_date}.json": ("The answer of a UTC day, as known at its cut-off.", day, ("signal_date",)),
        "days.json": ("Every day in a line.", anything, ()),
        "days.csv": ("Every day in a line, as CSV.", CSV, ()),
        "signals.json": ("Definitions of all signals.", anything, ()),
        "signals/{signal_id}.json": ("All days of a signal, in columns.", anything, ("signal_id",)),
        "signals/{signal_id}.csv": ("All days of a signal, as CSV.", CSV, ("signal_id",)),
    }
    described = schema("day")
    definitions = described.pop("$defs", {})
    # References of a schema of its own point to its own definitions; here they live among the components.
    moved = orjson.dumps({"DayAnswer": described, **definitions}).replace(b"#/$defs/", b"#/components/schemas/")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Leadline", "version": VERSION, "description": "Read-only; every answer is a static file."},
        "servers": [{"url": f"{base}{API}" if base else f"/{API}"}],
        "paths": {
            f"/{path}": {
                "get": {
                    "summary": summary,
                    "parameters": [
                        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
                    ],
                    "responses": {"200": {"description": summary, "content": content}},
                }
            }
            for path, (summary, content, names) in paths.items()
        },
        "components": {"schemas": orjson.loads(moved)},
    }


def _for_language_models(board: Board) -> str:
    lines = [
        "# Leadline",
        "",
        "> Each day, from raw sources: does Bitcoin's price level hold, or is this only a pause?",
        "",
        "Readings are as known at 01:00 UTC of the next day; what is missing is null and never guessed. No forecast is "
        "advice. Say the date of the day and of each reading when you quote them, and name the provider.",
        *(["", "SIMULATED DATA: every number comes from a generator."] if board.is_simulated else []),
        "",
        "## Files",
        "",
        *(f"- [{address}]({address}): {english}" for address, english, _ in FILES),
        "- [api/v1/days/YYYY-MM-DD.json](api/v1/latest.json): a day's answer",
        "- [api/v1/signals/SIGNAL_ID.json](api/v1/signals.json): all days of a signal",
        "",
    ]
    return "\n".join(lines)
