"""The board as a person sees it in a terminal, and as a program reads it."""

import io
import json

import pytest
from rich.console import Console

from reporting.board import read_board
from reporting.terminal import WIDTH, as_json, render
from tests.unit.reporting.warehouses import publish


def printed(board, language="en", width=120):
    console = Console(file=io.StringIO(), width=width)
    console.print(render(board, language))
    return console.file.getvalue()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [200, 100])
def test_never_wider_than_a_hundred_columns(board, language, width):
    lines = printed(board, language, width).splitlines()
    # A Chinese character takes two columns.
    widths = [sum(2 if ord(sign) > 0x2E7F else 1 for sign in line.rstrip()) for line in lines]
    assert max(widths) <= WIDTH


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
    assert "not final" in text


def test_square_brackets_and_angles_are_text_not_markup(board):
    assert "<b>macro</b>" in "".join(printed(board).split())


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
