"""The stand-in as a server: the clock, the log, unknown paths, its origin, and faults on demand."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import requests
from starlette.responses import Response

from sandbox.faults import FaultsError
from sandbox.market import TABLES, TIME_COLUMN, Market, MarketError
from sandbox.provider_request import ProviderRequest, json_answer, text_answer
from sandbox.routes import all_routes
from sandbox.server import RunningServer, application, running
from sandbox.unfed_datasets import fed_by, without
from sources.registry import DATASETS

HOST = "api.example.com"
REPOSITORY = Path(__file__).resolve().parents[3]


def bars(*stamps: datetime) -> pl.DataFrame:
    values = [float(position) for position, _ in enumerate(stamps)]
    return pl.DataFrame({"time": stamps, **dict.fromkeys(("open", "high", "low", "close"), values)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bars(datetime(2026, 2, 6, 3), datetime(2026, 2, 6, 1)).write_parquet(tmp_path / "dvol_1h.parquet")
    return tmp_path


def tell(question: ProviderRequest) -> Response:
    return json_answer(
        {
            "clock": question.clock.isoformat(),
            "params": dict(question.params),
            "path": dict(question.path),
            "key": question.headers.get("x-key"),
            "body": question.body.decode(),
        }
    )


MADE_UP = {
    f"GET {HOST}/v1/{{name}}/rows": tell,
    f"POST {HOST}/v1/rows": tell,
    f"GET {HOST}/table": lambda question: json_answer({"code": "0", "data": [["1", "2"], ["3", "4"]]}),
    f"GET {HOST}/csv": lambda question: text_answer("a,b\n1,2\n", media_type="text/csv"),
    f"GET {HOST}/page": lambda question: text_answer("<table><th>Date</th></table>", media_type="text/html"),
    f"GET {HOST}/records": lambda question: json_answer({"meta": "x", "rows": [{"a": 1, "b": [2, 3]}]}),
    f"GET {HOST}/nothing": lambda question: json_answer({"code": "0", "data": []}),
    "GET other.example.com/": tell,
}


@pytest.fixture
def upstream(folder: Path) -> Iterator[RunningServer]:
    with running(folder, routes=MADE_UP) as started:
        yield started


@pytest.fixture
def faulty(folder: Path) -> Callable[[str], AbstractContextManager[RunningServer]]:
    return lambda faults: running(folder, faults=faults, routes=MADE_UP)


def ask(upstream: RunningServer, path: str, **options) -> requests.Response:
    return requests.get(f"{upstream.base_url}/{path}", timeout=10, **options)


# Questions and answers


def test_handler_sees_what_was_asked(upstream):
    said = ask(upstream, f"{HOST}/v1/%5EGSPC/rows?limit=5", headers={"X-Key": "k"}).json()
    assert said["path"] == {"name": "^GSPC"}
    assert said["params"] == {"limit": "5"}
    assert said["key"] == "k"
    posted = requests.post(f"{upstream.base_url}/{HOST}/v1/rows", data=b"{}", timeout=10)
    assert posted.json()["body"] == "{}"


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        (None, "2026-02-06T03:00:00"),  # the newest time in the folder
        ("2026-02-05T23:50:00Z", "2026-02-05T23:50:00"),
        ("2026-02-05T23:50:00+00:00", "2026-02-05T23:50:00"),
    ],
)
def test_clock_is_the_headers_instant_or_the_newest(upstream, text, clock):
    headers = {} if text is None else {"Leadline-Clock": text}
    assert ask(upstream, f"{HOST}/v1/x/rows", headers=headers).json()["clock"] == clock


@pytest.mark.parametrize("text", ["yesterday", "", "2026-02-05", "2026-02-05T23:50:00", "2026-02-05T23:50:00+01:00"])
def test_bad_clock_is_refused_with_the_reason(upstream, text):
    said = ask(upstream, f"{HOST}/v1/x/rows", headers={"Leadline-Clock": text})
    assert said.status_code == 400
    assert "Leadline-Clock" in said.json()["error"]


def test_unknown_path_and_method_say_so(upstream):
    said = ask(upstream, f"{HOST}/v9/rows")
    assert said.status_code == 404
    assert said.json()["error"] == f"The stand-in upstream has no GET {HOST}/v9/rows."
    assert requests.post(f"{upstream.base_url}/{HOST}/table", timeout=10).status_code == 404


def test_every_request_is_logged(upstream):
    ask(upstream, f"{HOST}/v1/x/rows?a=1", headers={"Leadline-Clock": "2026-02-05T00:00:00Z", "User-Agent": "me"})
    ask(upstream, f"{HOST}/nowhere")
    first, second = upstream.requests
    assert (first.method, first.host, first.path, first.params) == ("GET", HOST, "v1/x/rows", {"a": "1"})
    assert (first.clock, first.status, first.user_agent) == ("2026-02-05T00:00:00Z", 200, "me")
    assert (second.path, second.status, second.clock) == ("nowhere", 404, None)


def test_origin_is_the_folders_name_and_hash(upstream, folder):
    said = ask(upstream, "leadline/origin").json()
    assert said["market"] == folder.name
    assert said["sha256"] == Market(folder).sha256
    assert said["newest"] == "2026-02-06T03:00:00Z"
    before = Market(folder).sha256
    bars(datetime(2026, 2, 7)).write_parquet(folder / "dvol_1h.parquet")
    assert Market(folder).sha256 != before
    (folder / "notes.txt").write_text("no market table")
    assert Market(folder).sha256 == Market(folder).sha256


def test_origin_says_what_the_tables_have_nothing_for(upstream, folder):
    silent = ask(upstream, "leadline/origin").json()["without"]
    assert set(silent) == set(fed_by())
    funding = {"venue": ["bitmex"], "funding_time": [datetime(2026, 2, 6, 4)], "rate": [0.0001], "interval_hours": [8]}
    pl.DataFrame(funding).write_parquet(folder / "funding.parquet")
    assert without(Market(folder)) == sorted(set(fed_by()) - {"bitmex.funding_rate"})


def test_what_a_market_may_lack_is_a_declared_dataset():
    assert set(fed_by()) <= {dataset.id for dataset in DATASETS}
    assert {table[0] for table in fed_by().values() if table} <= set(TABLES)


def test_it_listens_on_loopback_only_and_stops_with_its_block(folder):
    with running(folder, routes=MADE_UP) as started:
        assert started.base_url.startswith("http://127.0.0.1:")
    with pytest.raises(requests.ConnectionError):
        requests.get(started.base_url, timeout=2)


def test_served_alone_it_says_where_it_listens_and_ends_when_told(folder):
    command = f"from pathlib import Path; from sandbox.server import serve; serve(Path({str(folder)!r}), 0)"
    with subprocess.Popen(
        [sys.executable, "-c", command], stderr=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as process:
        assert process.stderr is not None
        listens = next(found for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        try:
            assert requests.get(f"{listens[0]}/leadline/origin", timeout=10).json()["market"] == folder.name
        finally:
            process.send_signal(signal.SIGINT)
            process.stderr.read()
    assert process.returncode in (0, -signal.SIGINT)


def test_numbers_that_are_none_are_never_sent():
    with pytest.raises(ValueError, match="JSON compliant"):
        json_answer({"a": float("nan")})


# Every provider's routes


def test_routes_are_a_method_and_a_host_with_a_path():
    for route in all_routes():
        method, _, address = route.partition(" ")
        assert method in ("GET", "POST")
        assert "." in address.partition("/")[0]


def test_providers_answer_without_any_data(folder):
    """An empty market is a legal one: whatever a provider then says, it is not a crash."""
    with running(folder) as started:
        for route in all_routes():
            method, _, address = route.partition(" ")
            path = address.replace("{date}", "2026-02-05").replace("{year}", "2026").replace("{index}", "day")
            path = path.replace("{count}", "144")
            for name in ("name", "symbol", "product", "period", "metric"):
                path = path.replace(f"{{{name}}}", "x")
            said = requests.request(method, f"{started.base_url}/{path}", timeout=10)
            assert said.status_code < 500, route


# Faults


def test_down_host_leaves_the_others_alone(faulty):
    with faulty(f"{HOST}=down") as upstream:
        assert ask(upstream, f"{HOST}/table").status_code == 503
        assert ask(upstream, "other.example.com/").status_code == 200


@pytest.mark.parametrize(
    ("path", "renamed"),
    [
        ("table", '{"code": "0", "data": [["2"], ["4"]]}'),
        ("csv", "renamed_a,renamed_b\n1,2\n"),
        ("page", "<table><th>Renamed Date</th></table>"),
        ("records", '{"meta": "x", "rows": [{"renamed_a": 1, "renamed_b": [2, 3]}]}'),
        ("nothing", '{"renamed_code": "0", "renamed_data": []}'),
    ],
)
def test_header_fault_renames_the_columns(faulty, path, renamed):
    with faulty(f"{HOST}=header") as upstream:
        said = ask(upstream, f"{HOST}/{path}")
        plain = ask(upstream, "other.example.com/")
    assert said.text == renamed
    assert said.status_code == plain.status_code == 200


def test_faults_that_answer_something_else(faulty):
    with faulty(f"{HOST}=garbage,other.example.com=html") as upstream:
        garbage, page = ask(upstream, f"{HOST}/table"), ask(upstream, "other.example.com/")
    assert garbage.status_code == page.status_code == 200
    with pytest.raises(UnicodeDecodeError):
        garbage.content.decode()
    assert page.headers["content-type"].startswith("text/html")
    with faulty(f"{HOST}=blocked") as upstream:
        blocked = ask(upstream, f"{HOST}/table")
    assert (blocked.status_code, blocked.headers["cf-mitigated"]) == (403, "challenge")


def test_status_so_many_times_and_for_ever(faulty):
    with faulty(f" {HOST}=429:2 , other.example.com=451") as upstream:
        assert [ask(upstream, f"{HOST}/table").status_code for _ in range(4)] == [429, 429, 200, 200]
        assert [ask(upstream, "other.example.com/").status_code for _ in range(3)] == [451, 451, 451]
        assert ask(upstream, "other.example.com/").headers["retry-after"] == "1"


def test_truncated_answer_announces_more_than_it_sends(faulty):
    with (
        faulty(f"{HOST}=truncate") as upstream,
        pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)),
    ):
        ask(upstream, f"{HOST}/table")


def test_slow_answer_is_the_true_one(faulty):
    with faulty(f"{HOST}=slow") as upstream:
        assert ask(upstream, f"{HOST}/csv").text == "a,b\n1,2\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("api.example.com", "write host=fault"),
        ("=down", "write host=fault"),
        ("api.example.com=broken", "Known faults: down, garbage"),
        ("api.example.com=200", "Known faults"),
        ("api.example.com=429:many", "Known faults"),
        ("api.exmaple.com=down", "does not play api.exmaple.com. It plays api.example.com"),
    ],
)
def test_text_that_is_no_list_of_faults_is_refused(folder, text, said):
    with pytest.raises(FaultsError) as caught:
        application(Market(folder), faults=text, routes=MADE_UP)
    assert said in str(caught.value)


# Market tables


def test_tables_are_sorted_and_naive_whatever_the_file_says(tmp_path):
    frame = bars(datetime(2026, 2, 6, 3), datetime(2026, 2, 6, 1)).with_columns(
        pl.col("time").dt.replace_time_zone("UTC").dt.cast_time_unit("ms"), pl.lit(1).alias("extra")
    )
    frame.write_parquet(tmp_path / "dvol_1h.parquet")
    table = Market(tmp_path).table("dvol_1h")
    assert dict(table.schema) == dict(TABLES["dvol_1h"])
    assert table["time"].to_list() == [datetime(2026, 2, 6, 1), datetime(2026, 2, 6, 3)]


def test_absent_table_is_empty_with_the_right_columns(folder):
    for name, columns in TABLES.items():
        assert dict(Market(folder).table(name).schema) == dict(columns)
    with pytest.raises(KeyError):
        Market(folder).table("../../etc/passwd")


def test_newest_looks_at_every_table(folder):
    assert Market(folder).newest == datetime(2026, 2, 6, 3)
    pl.DataFrame(
        {"date": [date(2026, 2, 7)], "price_low_usd": [1.0], "price_high_usd": [2.0], "supply_btc": [3.0]}
    ).write_parquet(folder / "cost_basis.parquet")
    assert Market(folder).newest == datetime(2026, 2, 7)
    assert set(TIME_COLUMN) == set(TABLES)


def test_folders_that_are_no_market_are_refused(tmp_path):
    with pytest.raises(MarketError, match="no folder"):
        Market(tmp_path / "absent")
    with pytest.raises(MarketError, match="none of the market tables"):
        Market(tmp_path)
    pl.DataFrame({"time": [datetime(2026, 2, 6)]}).write_parquet(tmp_path / "dvol_1h.parquet")
    with pytest.raises(MarketError, match="lacks the columns open, high, low, close"):
        Market(tmp_path).table("dvol_1h")
    bars().cast(dict(TABLES["dvol_1h"])).write_parquet(tmp_path / "dvol_1h.parquet")
    with pytest.raises(MarketError, match="no rows"):
        _ = Market(tmp_path).newest


def test_real_history_has_the_declared_tables(real: Path):
    market = Market(real / "market")
    for name in TABLES:
        assert dict(market.table(name).schema) == dict(TABLES[name])
    assert market.newest > datetime(2026, 1, 31)
