"""Landing files: as received, in order, durable, without secrets."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.warehouse.world import NEW_YEAR, answer, bar, land
from warehouse.errors import LandingError
from warehouse.home import Home
from warehouse.landing import Landing


def test_an_answer_comes_back_exactly_as_received(home: Home) -> None:
    payload = answer(b"\xff\x00 any bytes\n\nwhat\r\n", 1.25, params={"from": "a", "to": "b"}, headers={"ETag": "x"})
    [file] = land(home, payload)
    landing = Landing(home)
    assert landing.read(file) == payload
    assert landing.files("demo.bar") == [file]
    assert landing.files() == [file]
    assert landing.file(file.name) == file
    assert landing.find("demo.bar", payload) == file


def test_secrets_never_reach_a_landing_file(home: Home) -> None:
    payload = answer(
        [bar(0)],
        1,
        params={"api_key": "hunter2", "symbol": "BTC"},
        headers={"Set-Cookie": "session=hunter2", "Authorization": "hunter2", "X-Api-Key": "hunter2", "Date": "today"},
    )
    [file] = land(home, payload)
    content = gzip.decompress(file.path.read_bytes())
    assert b"hunter2" not in content
    assert Landing(home).read(file).headers == {"Date": "today"}
    assert Landing(home).read(file).params == {"api_key": "REDACTED", "symbol": "BTC"}


def test_secrets_in_an_address_are_redacted(home: Home) -> None:
    payload = answer([bar(0)], 1)
    secret = type(payload)(**{**vars(payload), "url": "https://me:hunter2@demo.example/bars?token=hunter2&day=1"})
    [file] = land(home, secret)
    assert Landing(home).read(file).url == "https://demo.example/bars?token=REDACTED&day=1"


def test_the_same_answer_to_the_same_request_is_not_written_again(home: Home) -> None:
    first, other, again = land(
        home, answer([bar(0)], 1), answer([bar(0, 101.0)], 2), answer([bar(0, 101.0)], 3), answer([bar(0)], 4)
    )
    assert [file.fetched_at.day for file in (first, other, again)] == [2, 3, 5]
    assert land(home, answer([bar(0)], 5)) == []  # a new object reads the folder, not its own memory
    assert len(land(home, answer([bar(0)], 5, params={"page": "2"}))) == 1


def test_the_same_answer_from_an_earlier_time_is_news(home: Home) -> None:
    assert len(land(home, answer([bar(0)], 5), answer([bar(0)], 2))) == 2


def test_an_answer_found_again_is_the_file_that_holds_it(home: Home) -> None:
    [file] = land(home, answer([bar(0)], 1))
    landing = Landing(home)
    assert landing.store("demo.bar", answer([bar(0)], 2)) is None
    assert landing.find("demo.bar", answer([bar(0)], 2)) == file
    assert landing.find("demo.bar", answer([bar(1)], 2)) is None


def test_the_order_is_that_of_arrival_when_the_clock_jumps_back(home: Home) -> None:
    land(home, answer([bar(0)], 300), answer([bar(1)], 2))
    land(home, answer([bar(2)], 100))
    assert [file.fetched_at for file in Landing(home).files()] == [answer([], day).fetched_at for day in (300, 2, 100)]


def test_the_sequence_goes_on_when_its_counter_is_lost(home: Home) -> None:
    land(home, answer([bar(0)], 1), answer([bar(1)], 2))
    (home.landing / ".sequence").unlink()
    [file] = land(home, answer([bar(2)], 3))
    assert file.sequence == 3


def test_threads_share_one_sequence(home: Home) -> None:
    landing = Landing(home)
    with ThreadPoolExecutor(8) as pool:
        files = list(
            pool.map(lambda n: landing.store(f"demo{n % 8}.bar", answer([bar(n)], 1, params={"n": str(n)})), range(64))
        )
    assert sorted(file.sequence for file in files if file) == list(range(1, 65))


@pytest.mark.parametrize("name", ["../../etc/x", "demo.bar/..", "CON", "demo.b" + "a" * 10 + "/x", "demo"])
def test_a_path_is_never_made_of_foreign_text(home: Home, name: str) -> None:
    with pytest.raises(ValueError, match="no dataset id"):
        Landing(home).store(name, answer([bar(0)], 1))


def test_hostile_requests_stay_inside_the_folder(home: Home) -> None:
    [file] = land(home, answer([bar(0)], 1, params={"symbol": "../../../etc/passwd", "x": "a" * 3000}))
    assert file.path.parent == home.landing / "demo__bar"
    assert len(file.path.name) < 100


@pytest.mark.parametrize("damage", ["cut", "changed", "replaced"])
def test_a_damaged_file_is_never_read_as_data(home: Home, damage: str) -> None:
    [file] = land(home, answer([bar(day) for day in range(50)], 60))
    content = file.path.read_bytes()
    about = gzip.decompress(content).split(b"\n")[0]
    harmed = {
        "cut": content[:-20],
        "changed": content[:60] + bytes([content[60] ^ 1]) + content[61:],
        "replaced": gzip.compress(about + b"\n[]"),
    }
    file.path.write_bytes(harmed[damage])
    with pytest.raises(LandingError, match="damaged"):
        Landing(home).read(file)


def test_a_file_half_written_by_a_killed_process_is_not_seen(home: Home) -> None:
    [file] = land(home, answer([bar(0)], 1))
    (file.path.parent / f".{file.path.name}.4711").write_bytes(b"half")
    (file.path.parent / "notes.txt").write_text("not ours")
    assert Landing(home).files() == [file]


def test_a_missing_file_says_where_it_was(home: Home) -> None:
    [file] = land(home, answer([bar(0)], 1))
    file.path.unlink()
    with pytest.raises(LandingError, match="is gone"):
        Landing(home).file(file.name)
    with pytest.raises(LandingError, match="is gone"):
        Landing(home).file("../../etc/passwd")


def test_error_pages_are_kept_but_are_no_answers(home: Home) -> None:
    page, data = land(home, answer(b"<html>", 1, status=503), answer([bar(0)], 1))
    assert (page.is_answer, data.is_answer) == (False, True)


def test_decisions_come_back_in_the_order_taken(home: Home) -> None:
    landing = Landing(home)
    assert list(landing.decisions()) == []
    landing.decide("accept", {"who": "Ann", "why": "'; DROP TABLE raw.quarantine; --"}, NEW_YEAR)
    landing.decide("load", {"files": ["a"]}, NEW_YEAR.replace(year=2020))
    assert [(decision.kind, decision.record) for decision in Landing(home).decisions()] == [
        ("accept", {"who": "Ann", "why": "'; DROP TABLE raw.quarantine; --"}),
        ("load", {"files": ["a"]}),
    ]


def test_a_changed_decision_is_noticed(home: Home) -> None:
    Landing(home).decide("accept", {"who": "Ann"}, NEW_YEAR)
    [path] = (home.landing / "decisions").glob("*.json.gz")
    decision = json.loads(gzip.decompress(path.read_bytes()))
    decision["record"]["who"] = "Bob"
    Path(path).write_bytes(gzip.compress(json.dumps(decision, sort_keys=True).encode()))
    with pytest.raises(LandingError, match="damaged"):
        list(Landing(home).decisions())
