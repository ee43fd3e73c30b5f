"""What must hold for every declared dataset. A new dataset is tested here as soon as it is declared."""

import contextlib
import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import sources
from sandbox.faults import BOT_WALL, GARBAGE, renamed
from sandbox.routes import all_routes
from sandbox.server import RunningServer, running
from sources.core.dataset import INSTANT, Access, Cadence, Dataset, Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Parsed, Payload
from sources.registry import DATASETS, MODULES, PROVIDERS, dataset
from tests.expected_shapes import NAMED_AFTER

FETCHED_AT = datetime(2026, 11, 1, tzinfo=UTC)  # after every sample

DAY = timedelta(days=1)

# Calendars: what they list does not hang on the market that the stand-in plays.
ALWAYS_THERE = {"fed.fomc_meeting", "bls.release"}

every_dataset = pytest.mark.parametrize("declared", DATASETS, ids=lambda declared: declared.id)


def body_of(declared: Dataset, samples: Path) -> bytes:
    files = list((samples / declared.provider.name).glob(f"{declared.name}.*"))
    assert len(files) == 1, (
        f"{declared.id} needs one sample of our own making in tests/samples/{declared.provider.name}/"
    )
    return files[0].read_bytes()


def read(declared: Dataset, body: bytes) -> Parsed:
    """As from a file saved by hand, which comes without its request, only with its name."""
    name = NAMED_AFTER.get(declared.id, declared.name)
    return declared.read(Payload(f"{declared.provider.home}#saved-by-hand/{name}", {}, 200, {}, body, FETCHED_AT))


# The registry


def test_registry_has_every_module_with_datasets_and_no_other():
    folder = Path(sources.__file__).parent
    with_datasets = {file.stem for file in folder.glob("*.py") if re.search(r"^DATASETS\b", file.read_text(), re.M)}
    assert {module.__name__.rpartition(".")[2] for module in MODULES} == with_datasets - {"registry"}


def test_names_are_unique():
    ids = [declared.id for declared in DATASETS]
    assert len(set(ids)) == len(ids)
    assert len({provider.name for provider in PROVIDERS}) == len(PROVIDERS)


def test_dataset_is_found_by_its_id_and_a_wrong_one_lists_the_right_ones():
    assert dataset("cboe.vix").table == "cboe__vix"
    with pytest.raises(KeyError, match=r"cboe\.vixx.*cboe\.vix"):
        dataset("cboe.vixx")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_provider_module_says_what_it_is(module):
    provider = module.PROVIDER
    assert provider.name == module.__name__.rpartition(".")[2]
    assert len(inspect.getdoc(module) or "") > 100
    assert {declared.provider.name for declared in module.DATASETS} == {provider.name}
    assert provider.home.startswith("https://")
    assert provider.hosts
    assert all(host == host.lower() and "/" not in host for host in provider.hosts)
    assert provider.requests_per_minute > 0
    assert provider.licence


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_stand_in_plays_every_provider(provider):
    played = {route.partition(" ")[2].partition("/")[0] for route in all_routes()}
    assert set(provider.hosts) & played


# Declarations


@every_dataset
def test_declaration_is_complete(declared):
    assert declared.description
    assert all(column.description for column in declared.columns.values())
    numbers = [name for name, column in declared.columns.items() if column.dtype == pl.Float64]
    assert all(declared.columns[name].unit for name in numbers), "a number without a unit"
    assert declared.columns[declared.observed].dtype in (INSTANT, pl.Date)
    for name in (*declared.key, declared.observed):
        assert not declared.columns[name].nullable, f"{name} belongs to the key and may not be null"
    assert declared.period >= timedelta(0)
    assert declared.publication_lag >= timedelta(0)
    if declared.access is Access.NOW:
        assert declared.cadence is not Cadence.DAILY or declared.depth is None


# Samples


@every_dataset
def test_sample_is_read_without_rejects_into_the_declared_columns(declared, samples):
    parsed = read(declared, body_of(declared, samples))
    assert parsed.rejects == ()
    assert parsed.rows.height > 0
    assert dict(parsed.rows.schema) == declared.schema
    assert parsed.rows.select(declared.key).is_unique().all()


@every_dataset
def test_reading_twice_gives_the_same(declared, samples):
    body = body_of(declared, samples)
    assert read(declared, body).rows.equals(read(declared, body).rows)


@every_dataset
def test_renamed_columns_never_become_rows(declared, samples):
    try:
        parsed = read(declared, renamed(body_of(declared, samples)))
    except SourceError as error:
        failure = error.failure
    else:
        assert parsed.rows.is_empty()
        failure = Failure.CHANGED_LAYOUT if parsed.rejects else None  # all refused: the load fails
    assert failure is Failure.CHANGED_LAYOUT


@every_dataset
@pytest.mark.parametrize(
    ("body", "failures"),
    [
        (b"", {Failure.NOT_DATA}),
        (GARBAGE, {Failure.NOT_DATA}),
        (BOT_WALL.encode(), {Failure.BLOCKED, Failure.CHANGED_LAYOUT}),
        (b"null", {Failure.NO_DATA, Failure.CHANGED_LAYOUT}),
        (b"{}", {Failure.NO_DATA, Failure.CHANGED_LAYOUT}),
        (b'{"error":"no such thing"}', {Failure.REFUSED, Failure.CHANGED_LAYOUT}),
        (b"maintenance", {Failure.NOT_DATA, Failure.CHANGED_LAYOUT}),
    ],
    ids=["empty", "garbage", "bot wall", "null", "nothing", "error", "maintenance"],
)
def test_what_is_no_data_is_a_source_error(declared, body, failures):
    with pytest.raises(SourceError) as caught:
        read(declared, body)
    assert caught.value.failure in failures


@every_dataset
def test_json_cut_short_is_no_data(declared, samples):
    body = body_of(declared, samples)
    if body.lstrip()[:1] not in (b"{", b"["):
        return  # half a page or half a table: the length that was announced tells
    for share in (0.3, 0.6, 0.95):
        with pytest.raises(SourceError) as caught:
            read(declared, body[: int(len(body) * share)])
        assert caught.value.failure is Failure.NOT_DATA


ODDITIES = (None, True, -1, 10**15, 10**400, 1.5, 1e300, float("nan"), "", "x", "\0", [], [None], {}, {"a": []})


def changed_in_one_place(content: object) -> Iterator[object]:
    """The content with one value after the other replaced; of a list only the first item is looked into."""
    yield from ODDITIES
    if isinstance(content, dict):
        for name, value in content.items():
            yield {key: kept for key, kept in content.items() if key != name}
            yield from ({**content, name: odd} for odd in changed_in_one_place(value))
    elif isinstance(content, list) and content:
        yield content[1:]
        yield from ([odd, *content[1:]] for odd in changed_in_one_place(content[0]))
        if not isinstance(content[0], dict | list):
            return
        for position in range(1, len(content[0]) if isinstance(content[0], list) else 0):
            rest = content[0][position + 1 :]
            yield from ([[*content[0][:position], odd, *rest], *content[1:]] for odd in ODDITIES)


@every_dataset
def test_no_value_in_any_place_is_a_crash(declared, samples):
    body = body_of(declared, samples)
    if body.lstrip()[:1] not in (b"{", b"["):
        return  # cells of CSV and HTML are text anyway
    for odd in changed_in_one_place(json.loads(body)):
        sent = json.dumps(odd).encode()
        try:
            parsed = read(declared, sent)
        except SourceError:
            continue
        assert dict(parsed.rows.schema) == declared.schema, sent[:500]


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
@pytest.mark.parametrize("status", [200, 400])
def test_check_of_a_provider_never_crashes(provider, status):
    names = ("code", "msg", "error", "retCode", "retMsg", "result", "status", "message", "chart", "testnet", "success")
    bodies = [json.dumps(odd) for odd in ODDITIES]
    bodies += [json.dumps({name: odd}) for name in names for odd in ODDITIES]
    for body in (*bodies, "", "<html></html>", "[" * 100_000, "not json"):
        sent = Payload(provider.home, {}, status, {}, body.encode(), FETCHED_AT)
        if provider.check is not None:
            with contextlib.suppress(SourceError):
                provider.check(sent)


@pytest.mark.parametrize("dataset_id", NAMED_AFTER)
def test_answer_that_does_not_say_its_series_is_not_guessed(dataset_id, samples):
    declared = dataset(dataset_id)
    with pytest.raises(SourceError, match="a file saved by hand is named after one") as caught:
        declared.read(Payload(declared.provider.home, {}, 200, {}, body_of(declared, samples), FETCHED_AT))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


# Asking


@pytest.fixture(scope="module")
def quiet_upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A stand-in that has next to nothing to say."""
    folder = tmp_path_factory.mktemp("market")
    bar = {"time": [datetime(2026, 2, 6, 3)], **{name: [50.0] for name in ("open", "high", "low", "close")}}
    pl.DataFrame(bar).write_parquet(folder / "dvol_1h.parquet")
    with running(folder) as upstream:
        yield upstream


@every_dataset
def test_provider_with_nothing_to_say_gives_no_rows_or_a_source_error(declared, quiet_upstream):
    """And the requests go to the declared hosts, at the clock's instant, a bounded number of them."""
    clock = datetime(2026, 1, 20, 11, 50, tzinfo=UTC)
    key = "any-key-will-do" if declared.provider.needs_key else None
    before = len(quiet_upstream.requests)
    rows = 0
    with (
        Session(declared.provider, key=key, upstream=quiet_upstream.base_url, clock=clock) as session,
        contextlib.suppress(SourceError),
    ):
        for payload in declared.fetch(session, Window(clock - 5 * DAY, clock)):
            rows += declared.read(payload).rows.drop_nulls().height
    assert (rows > 0) is (declared.id in ALWAYS_THERE)
    seen = quiet_upstream.requests[before:]
    assert 0 < len(seen) < 40
    assert {request.host for request in seen} <= set(declared.provider.hosts)
    assert {request.clock for request in seen} == {"2026-01-20T11:50:00Z"}
