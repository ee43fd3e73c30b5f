"""The progress display, on a terminal and in a pipe."""

from io import StringIO

from rich.console import Console

from cli.terminal import RichProgress
from pipeline.progress import listening, progress


def shown(*, is_terminal: bool) -> str:
    """What a person sees of a small run in which one dataset fails."""
    file = StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=120)
    with RichProgress(console) as display, listening(display):
        progress().stage("fetching")
        for dataset in ("cboe.vix", "farside.etf_flow"):
            progress().planned(dataset, 2)
            progress().asked(dataset)
        progress().fetched("cboe.vix", "")
        progress().loaded("cboe.vix", 1_500, 2)
        progress().fetched("farside.etf_flow", "blocked: a bot wall")
        progress().stage("models")
        progress().built("fct_regime_daily", 1, 1)
    return file.getvalue()


def test_a_terminal_shows_bars_and_keeps_trouble_in_sight() -> None:
    said = shown(is_terminal=True)
    assert "farside.etf_flow" in said
    assert "blocked: a bot wall" in said
    assert "fct_regime_daily" in said


def test_a_pipe_gets_plain_lines() -> None:
    said = shown(is_terminal=False)
    assert said.splitlines() == [
        "· fetching",
        "  cboe.vix: 1,500 new, 2 revised",
        "  farside.etf_flow: blocked: a bot wall",
        "· models",
    ]


def test_without_a_listener_a_run_is_silent() -> None:
    progress().stage("fetching")
    progress().built("anything", 1, 2)
