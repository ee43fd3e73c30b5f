"""The server for assistants, spoken to as an assistant does: a process of its own over standard input and output."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.server.mcpserver.exceptions import ToolError

from reporting.assistant import Assistant
from reporting.sql_session import FOR_ASSISTANTS

LEADLINE = str(Path(sys.executable).with_name("leadline"))
DAY = "2026-02-06"
HOSTILE = {
    "delete from marts.fct_signal_daily": "read-only",
    "from read_csv('/etc/passwd')": "disabled by configuration",
    "copy marts.dim_signal to '/tmp/leadline-stolen.csv'": "disabled by configuration",
    "set enable_external_access = true": "locked",
    "attach '/etc/passwd' as other": "disabled by configuration",
    "select 1; select nonsense": "nonsense",
}


def ask(home: Path, *calls: tuple[str, dict[str, Any]], options: tuple[str, ...] = ()) -> list[Any]:
    """The answers of one server to these calls, in order."""

    async def talk() -> list[Any]:
        environment = {**os.environ, "LEADLINE_HOME": str(home)}
        started = StdioServerParameters(command=LEADLINE, args=["mcp", *options], env=environment)
        async with Client(started) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(talk())


def content(answer: Any) -> Any:
    assert not answer.is_error, answer
    return answer.structured_content.get("result", answer.structured_content)


def test_an_assistant_gets_what_the_board_says(scenario_home: Path) -> None:
    board, why, rules, signals, history, total = map(
        content,
        ask(
            scenario_home,
            ("board", {"day": DAY}),
            ("why", {"day": DAY}),
            ("rules", {"day": DAY}),
            ("signals", {}),
            ("signal_history", {"signal_id": "btc_close_usd", "first": "2026-02-05", "last": DAY}),
            ("sql", {"query": "select count(*) as days from marts.fct_regime_daily"}),
        ),
    )
    environment = {**os.environ, "LEADLINE_HOME": str(scenario_home)}
    shown = json.loads(
        subprocess.run([LEADLINE, "show", DAY, "--json"], env=environment, capture_output=True, check=True).stdout
    )
    assert board["is_simulated"] is True
    assert (board["regime"], board["next_condition"]) == ("relief_rally", "S1")
    assert {bucket["bucket"]: bucket["state"] for bucket in board["buckets"]} == {
        bucket["bucket"]: bucket["state"] for bucket in shown["buckets"]
    }
    assert why["buckets"]["flows"]["evidence"] == next(
        bucket["evidence"] for bucket in shown["buckets"] if bucket["bucket"] == "flows"
    )
    shown_rules = [rule for bucket in shown["buckets"] for rule in (*bucket["confirms"], *bucket["continues"])]
    shown_rules += [rule for condition in shown["conditions"].values() for rule in condition["rules"]]
    assert {rule["rule_id"]: rule["holds"] for rule in shown_rules}.items() <= {
        rule["rule_id"]: rule["holds"] for rule in rules
    }.items()
    listed = [entry.split(":")[0] for entries in signals["signals_by_bucket"].values() for entry in entries]
    assert set(listed) == set(shown["readings"])
    assert len(str(signals)) < 12_000
    assert [day["signal_date"] for day in history["days"]] == ["2026-02-05", DAY]
    assert history["days"][1]["value_as_known"] == pytest.approx(shown["regime"]["btc_close_usd"])
    assert total["rows"][0][0] > 400


def test_an_assistant_can_neither_write_nor_look_elsewhere(scenario_home: Path) -> None:
    answers = ask(scenario_home, *(("sql", {"query": query}) for query in HOSTILE))
    for answer, reason in zip(answers, HOSTILE.values(), strict=True):
        assert answer.is_error
        assert reason in answer.content[0].text.lower()
    assert not Path("/tmp/leadline-stolen.csv").exists()


def test_a_public_server_gives_states_and_no_restricted_value(scenario_home: Path) -> None:
    board, history, secret = ask(
        scenario_home,
        ("board", {"day": DAY}),
        ("signal_history", {"signal_id": "etf_net_flow_usd"}),
        ("sql", {"query": "from raw.farside__etf_flow"}),
        options=("--public",),
    )
    assert content(board)["regime"] == "relief_rally"
    assert {bucket["state"] for bucket in content(board)["buckets"]} >= {"bear", "improving"}
    days = content(history)["days"]
    assert len(days) > 300
    assert {day["value_as_known"] for day in days} == {None}
    assert secret.is_error


def test_mistakes_are_told_with_the_way_out(scenario_home: Path, tmp_path: Path) -> None:
    no_day, no_signal = ask(
        scenario_home, ("board", {"day": "1999-01-01"}), ("signal_history", {"signal_id": "hope_index"})
    )
    [no_home] = ask(tmp_path, ("board", {}))
    assert "leadline run --from 1999-01-01" in no_day.content[0].text
    assert "`signals` lists them" in no_signal.content[0].text
    assert "Run `leadline run`" in no_home.content[0].text


def test_a_query_without_end_is_ended_and_a_long_answer_is_cut(scenario_home: Path) -> None:
    hasty = replace(FOR_ASSISTANTS, seconds=0.2)
    with pytest.raises(ToolError, match=r"longer than 0\.2 s"):
        Assistant(scenario_home / "leadline.duckdb", public=False, limits=hasty).sql(
            "with recursive r as (select 1 as n union all select n + 1 from r) select max(n) from r"
        )
    assistant = Assistant(scenario_home / "leadline.duckdb", public=False)
    answer = assistant.sql("from range(5000)")
    assert len(answer["rows"]) == 1000
    assert answer["is_cut_off"]
