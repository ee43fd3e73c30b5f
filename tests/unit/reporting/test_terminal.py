"""The board as a person sees it in a terminal, and as a program reads it."""

import io
import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from rich.console import Console

from reporting.localization import Words
from reporting.published import read_board
from reporting.terminal import WIDEST, as_json, render
from tests.unit.reporting.warehouses import publish

SCREEN_LINES = 40


def printed(board, language="en", width=120, *, full=False):
    console = Console(file=io.StringIO(), width=width)
    console.print(render(board, language, full=full))
    return console.file.getvalue()


def columns(text):
    """The columns that a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [200, 140, 100, 80, 60])
def test_never_wider_than_the_terminal_and_every_reading_is_there(board, language, width, full):
    text = printed(board, language, width, full=full)
    assert max(columns(line.rstrip()) for line in text.splitlines()) <= min(width, WIDEST)
    for bucket in board.buckets:
        if bucket.primary.value is not None:
            assert Words(language).value(bucket.primary).split()[0] in text


def test_a_late_board_says_so_where_the_newest_is_asked_for_and_a_simulated_one_never_does(tmp_path, board):
    real = read_board(publish(tmp_path / "leadline.duckdb", simulated=False))
    now = datetime.combine(real.signal_date, time(12), UTC) + timedelta(days=5)
    console = Console(file=io.StringIO(), width=100)
    for shown, instant in ((real, now), (real, None), (board, now)):
        console.print(render(shown, now=instant))
    assert console.file.getvalue().count("d late") == 1
    assert f"The newest day is {real.signal_date}: 4 d late" in console.file.getvalue()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_screen_answers_the_question_on_one_screen(board, language):
    assert len(printed(board, language, 100).splitlines()) <= SCREEN_LINES


def test_chinese_columns_stand_below_each_other(board):
    lines = printed(board, "zh", 100).splitlines()
    states = [line for line in lines if "看跌" in line or "改善" in line]
    marks = [re.search("[▼△]", line) for line in states]
    assert len({columns(line[: mark.start()]) for line, mark in zip(states, marks, strict=True) if mark}) == 1


def test_nothing_is_cut_off(board):
    for language in ("en", "zh"):
        assert "…" not in printed(board, language, 100, full=True) + printed(board, language, 100)


def test_the_full_board_says_every_rule_with_its_reading(board):
    text = " ".join(printed(board, full=True).split())
    assert "−8 vol" in text
    assert "[−9.4 vol]" in text
    assert "[−9.4 vol]" not in printed(board)
    assert "leadline show --full" in printed(board)


def test_json_in_chinese_says_the_evidence_in_chinese(board):
    content = json.loads(as_json(board, "zh"))
    options = next(bucket for bucket in content["buckets"] if bucket["bucket"] == "options")
    assert options["evidence"].startswith("25Δ风险逆转(30日) ≤ −8")
    assert json.loads(as_json(board))["buckets"][1]["evidence"] == "evidence of options"


def test_a_narrow_terminal_loses_no_bucket(board):
    text = printed(board, width=80)
    assert all(name in text for name in ("Derivatives", "Options", "Leverage", "Flows", "On-chain", "Mining", "Macro"))


def test_simulated_data_is_labelled_first_and_last(board):
    lines = printed(board).strip().splitlines()
    assert lines[0].startswith("SIMULATED DATA")
    assert lines[-1].startswith("SIMULATED DATA")


def test_public_data_has_no_such_label(tmp_path):
    text = printed(read_board(publish(tmp_path / "leadline.duckdb", simulated=False)))
    assert "SIMULATED" not in text
    assert "public sources" in text


def test_every_bucket_condition_and_sentence_is_there(board):
    text = " ".join(printed(board).split())
    for name in ("Derivatives", "Options", "Leverage", "Flows", "On-chain", "Mining", "Macro"):
        assert name in text
    for condition in ("H1", "H2", "H3", "R1", "R2", "R3", "S1", "S2", "S3"):
        assert f"{condition} " in text
    assert "Relief rally, since 6 February 2026, day 1" in text
    assert "Next condition: S1: macro risk appetite holds (unknown)" in text
    assert "1 d old" in text


def test_square_brackets_and_angles_are_text_not_markup(board):
    odd = replace(board, buckets=tuple(replace(b, primary=replace(b.primary, name_en="[b]<i>")) for b in board.buckets))
    assert "[b]<i>" in printed(odd)


def test_without_a_level_the_board_says_so(tmp_path):
    text = printed(read_board(publish(tmp_path / "leadline.duckdb", level=None)))
    assert "no level is in force" in text
    assert "Cluster" not in text


def test_json_holds_what_the_board_shows(board):
    content = json.loads(as_json(board))
    assert content["signal_date"] == "2026-02-06"
    assert content["is_simulated"] is True
    assert content["regime"]["regime"] == "relief_rally"
    assert content["conditions"]["S1"]["holds"] is None
    assert [bucket["state"] for bucket in content["buckets"]] == [
        "bear", "bear", "improving", "bear", "bear", "bear", "unknown",
    ]  # fmt: skip
    assert content["readings"]["rr25_30d"]["value"] == pytest.approx(-9.42)
