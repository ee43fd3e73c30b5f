"""`leadline probe`: recorded block pages, error bodies and faults each told by their right name."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.responses import Response

from cli.main import main
from sandbox.provider_request import RouteHandler
from sandbox.routes import all_routes
from sandbox.server import running
from sources.registry import PROVIDERS
from tests.unit.venue_market import DAY, bars, folder


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hours = [(datetime(2026, 2, 6, hour), 50.0, 52.0, 49.0, 51.0) for hour in (1, 2, 3)]
    tables = {"dvol_1h": hours, "price_1d": bars("binance", "spot", datetime(2026, 1, 20), DAY, 18)}
    return folder(tmp_path_factory.mktemp("probe") / "market", tables)


def answering(host: str, body: bytes, status: int, media_type: str) -> Mapping[str, RouteHandler]:
    """The stand-in's routes, where one host says the same to everything."""
    own = {route for route in all_routes() if route.partition(" ")[2].partition("/")[0] == host}
    assert own, f"the stand-in plays no {host}"
    return {**all_routes(), **{route: lambda question: Response(body, status, media_type=media_type) for route in own}}


def probed(upstream: str, monkeypatch: pytest.MonkeyPatch, *selected: str) -> tuple[int, dict[str, str]]:
    """Exit code, and each provider's line without its name."""
    monkeypatch.setenv("LEADLINE_UPSTREAM", upstream)
    for provider in PROVIDERS:
        if provider.key_variable:
            monkeypatch.delenv(provider.key_variable, raising=False)
    result = CliRunner().invoke(main, ["probe", *(part for name in selected for part in ("--select", name))])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    lines = [line.split(None, 1) for line in result.output.splitlines()[1:]]
    return result.exit_code, {line[0]: line[1] for line in lines if len(line) == 2}


@pytest.mark.parametrize(
    ("recording", "status", "media_type", "dataset", "host", "said"),
    [
        ("errors/binance_http_451.json", 451, "application/json", "binance.funding_rate", "fapi.binance.com",
         "blocked: region or address"),
        ("errors/cloudfront_http_403_country_block.html", 403, "text/html", "bybit.funding_rate", "api.bybit.com",
         "blocked: region or address"),
        ("stooq/blocked_interstitial_http200.html", 200, "text/html", "cboe.vix", "cdn.cboe.com", "blocked: bot wall"),
        ("stooq/blocked_interstitial_http200.html", 200, "text/csv", "cboe.vix", "cdn.cboe.com", "blocked: bot wall"),
        ("errors/deribit_invalid_params.json", 400, "application/json", "deribit.dvol", "www.deribit.com",
         "request refused"),
        ("errors/kraken_too_many_requests.json", 200, "application/json", "kraken.spot_candle_1d", "api.kraken.com",
         "asked too often"),
        ("errors/bitmex_http_error.json", 400, "application/json", "bitmex.funding_rate", "www.bitmex.com",
         "key refused"),
    ],
)  # fmt: skip
def test_recorded_refusals_are_told_by_their_name(
    real: Path,
    market: Path,
    monkeypatch: pytest.MonkeyPatch,
    recording: str,
    status: int,
    media_type: str,
    dataset: str,
    host: str,
    said: str,
) -> None:
    body = (real / "fixtures" / recording).read_bytes()
    with running(market, routes=answering(host, body, status, media_type)) as upstream:
        code, lines = probed(upstream.base_url, monkeypatch, dataset)
    assert code == 3
    [line] = [line for name, line in lines.items() if name == dataset.partition(".")[0]]
    assert line.startswith(said)
    assert line.removeprefix(said).split()[0].replace(",", "").isdigit()  # milliseconds


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("down", "no answer"),
        ("truncate", "no answer"),
        ("blocked", "blocked: bot wall"),
        ("html", "blocked: bot wall"),
        ("garbage", "no data"),
        ("header", "changed layout"),
        ("429", "asked too often"),
        ("404", "moved"),
    ],
)
def test_faults_are_told_by_their_name(market: Path, monkeypatch: pytest.MonkeyPatch, fault: str, said: str) -> None:
    with running(market, faults=f"www.deribit.com={fault}") as upstream:
        code, lines = probed(upstream.base_url, monkeypatch, "deribit.dvol")
    assert code == 3
    assert lines["deribit"].startswith(said)
    assert len(upstream.requests) == 1  # one request, and no second try


def test_every_provider_is_asked_once_and_a_missing_key_is_no_fault(
    market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(market) as upstream:
        _, lines = probed(upstream.base_url, monkeypatch)
    assert set(lines) >= {provider.name for provider in PROVIDERS}
    for provider in PROVIDERS:
        asked = [request for request in upstream.requests if request.host in provider.hosts]
        if provider.key_variable:
            assert lines[provider.name].split("set")[0].startswith("needs a key")
            assert asked == []
        else:
            assert 1 <= len(asked) <= 3, (provider.name, [request.path for request in asked])
    assert lines["deribit"].startswith(("answered", "no data"))


def test_a_sound_provider_answers_with_its_rows(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(market) as upstream:
        code, lines = probed(upstream.base_url, monkeypatch, "deribit.dvol")
    assert code == 0
    assert lines["deribit"].startswith("answered")
    assert lines["deribit"].strip().endswith("2 rows")


def test_nobody_within_reach_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the port that discards: nothing listens there
    monkeypatch.delenv("LEADLINE_UPSTREAM", raising=False)
    result = CliRunner().invoke(main, ["probe"])
    assert result.exit_code == 3
    assert result.output.count("You look offline") == 1
    assert "bitstamp" not in result.output


def test_a_changed_answer_is_kept_and_every_change_of_it_is_named(
    market: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, samples: Path
) -> None:
    monkeypatch.setenv("LEADLINE_HOME", str(tmp_path))
    monkeypatch.setenv("LEADLINE_UPSTREAM", "")
    answer = json.loads((samples / "binance" / "spot_candle_1d.json").read_bytes())
    changed = [[*row[:2], "n/a", row[3], str(float(row[4]) * 1_000), row[5], *row[6:], "new"] for row in answer]
    body = json.dumps(changed).encode()
    with running(market, routes=answering("api.binance.com", body, 200, "application/json")) as upstream:
        monkeypatch.setenv("LEADLINE_UPSTREAM", upstream.base_url)
        result = CliRunner().invoke(main, ["probe", "--record", "--select", "binance.spot_candle_1d"])
    assert result.exit_code == 3
    assert "type: [][2]" in result.output
    assert "unit: [][4]" in result.output
    assert "new: [][12]" in result.output
    kept = json.loads((tmp_path / "probes" / "stand-in" / "binance.spot_candle_1d.json").read_text())
    assert json.loads(kept["body"]) == changed
