"""What a new dataset touches: added to a copy of the project, tried there by the project's own tests, and counted."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
WRITTEN = "dbt_project/models/staging/_sources.yml"  # by `make sources`, not by hand
LEFT_OUT = shutil.ignore_patterns(".*", "data", "build", "target", "logs", "__pycache__", "*.egg-info", "docs", "study")

FETCH_AND_READ = '''

def fetch_mvrv(session: Session, window: Window) -> Iterator[Payload]:
    """The whole history."""
    yield session.get("https://acme.example/mvrv.csv", accept=("text/csv",))


def read_mvrv(payload: Payload) -> Parsed:
    """One row a day."""
    table = strict_csv(payload, header=("day", "mvrv"))
    return typed(table.records, MVRV, fetched_at=payload.fetched_at, observed="day", rejects=table.rejects)
'''
COLUMNS = """
MVRV = {
    "day": Column(pl.Date, "UTC day", "Day of the ratio."),
    "mvrv": Column(pl.Float64, "ratio", "Price over realised price.", minimum=0, maximum=20),
}
"""
DATASET = """
    Dataset(
        provider=PROVIDER,
        name="mvrv",
        bucket=Bucket.ONCHAIN,
        description="Price over realised price, from a file.",
        columns=MVRV,
        key=("day",),
        observed="day",
        period=timedelta(days=1),
        publication_lag=timedelta(hours=1),
        fetch=fetch_mvrv,
        read=read_mvrv,
    ),
"""
NEW_PROVIDER = f'''"""Acme, who does not exist: daily MVRV in a small file, for the test of what a new provider touches.

Published at one in the morning, free of any terms, without oddities.
"""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from sources.core.dataset import Bucket, Column, Dataset, Provider, Window
from sources.core.http import Session
from sources.core.parsing import strict_csv, typed
from sources.core.payload import Parsed, Payload

PROVIDER = Provider(
    name="acme",
    title="Acme",
    home="https://acme.example",
    hosts=("acme.example",),
    requests_per_minute=10,
    licence="free",
    may_republish=True,
)
{COLUMNS}{FETCH_AND_READ}

DATASETS = ({DATASET})
'''
NEW_STAND_IN = '''"""Acme's file."""

from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer


def mvrv(request: ProviderRequest) -> Response:
    """Nothing but a header: no market table has it."""
    return text_answer("day,mvrv\\n", media_type="text/csv")


ROUTES: dict[str, RouteHandler] = {"GET acme.example/mvrv.csv": mvrv}
'''
SAMPLE = "day,mvrv\n2026-01-05,1.25\n2026-01-06,1.5\n"

# Loads the sample through landing and loader, builds the model that uses it, and says what the model has of it.
USE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pipeline import analytics_tables, dbt_project
from sources.registry import DATASETS, dataset
from sources.core.payload import Payload
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader

declared, sample, provider = dataset(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
home = Home(Path(sys.argv[4]))
sent = Payload("https://acme.example/mvrv.csv", {}, 200, {}, sample.read_bytes(), datetime(2026, 1, 8, tzinfo=UTC))
with Warehouse(home) as warehouse:
    warehouse.ensure_tables(DATASETS)
    analytics_tables.ensure_tables(warehouse.connection)
    Loader(warehouse).load(declared, [Landing(home).store(declared.id, sent)])
built = dbt_project.build(home.build_file, {"as_of": "2026-02-01"}, select=["int_observations__vendors"])
assert not built.failures, built.failures
with Warehouse(home) as warehouse:
    print(warehouse.connection.execute(
        "select observed_date::varchar, value from intermediate.int_observations__vendors "
        "where provider = ? and series_id = 'mvrv' order by all", [provider]
    ).fetchall())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project."""
    return Path(shutil.copytree(REPOSITORY, tmp_path / "project", ignore=LEFT_OUT))


def run(project: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(project)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(project: Path) -> dict[str, bytes]:
    files = (path for path in project.rglob("*") if path.is_file() and "target" not in path.parts)
    return {str(path.relative_to(project)): path.read_bytes() for path in files}


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name}: {old!r}"
    file.write_text(text.replace(old, new))


def use_in_model(project: Path, provider: str) -> None:
    reading = {"provider": provider, "table": f"stg_{provider}__mvrv", "series": "'mvrv'", "value": "mvrv"}
    line = f"    {reading},\n"
    change(project / "dbt_project/models/intermediate/int_observations__vendors.sql", "\n] %}", f"\n{line}] %}}")


def add_dataset(project: Path) -> str:
    """A second dataset of Cboe, whose module, sample folder and stand-in are there."""
    module = project / "sources/cboe.py"
    change(module, '\nHEADER = ("DATE"', f'{COLUMNS}{FETCH_AND_READ}\n\nHEADER = ("DATE"')
    change(module, "\nDATASETS = (", f"\nDATASETS = ({DATASET}")
    change(module, 'hosts=("cdn.cboe.com",)', 'hosts=("cdn.cboe.com", "acme.example")')
    stand_in = project / "sandbox/cboe.py"
    change(stand_in, "\nROUTES: ", '\ndef mvrv(request: ProviderRequest) -> Response:\n    """Nothing."""\n'
           '    return text_answer("day,mvrv\\n", media_type="text/csv")\n\n\nROUTES: ')  # fmt: skip
    change(
        stand_in, 'VIX_History.csv": vix_history', 'VIX_History.csv": vix_history, "GET acme.example/mvrv.csv": mvrv'
    )
    (project / "tests/samples/cboe/mvrv.csv").write_text(SAMPLE)
    use_in_model(project, "cboe")
    return "cboe"


def add_provider(project: Path) -> str:
    (project / "sources/acme.py").write_text(NEW_PROVIDER)
    (project / "sandbox/acme.py").write_text(NEW_STAND_IN)
    (project / "tests/samples/acme").mkdir()
    (project / "tests/samples/acme/mvrv.csv").write_text(SAMPLE)
    use_in_model(project, "acme")
    return "acme"


@pytest.mark.parametrize("add", [add_dataset, add_provider])
def test_a_new_dataset_touches_four_files_and_works(project: Path, tmp_path: Path, add: Callable[[Path], str]) -> None:
    """The module, a sample, the stand-in and the model that uses it."""
    before = contents(project)
    provider = add(project)
    run(project, "-m", "pipeline.dbt_sources")
    after = contents(project)
    touched = {file for file in {*before, *after} if before.get(file) != after.get(file)}
    assert WRITTEN in touched
    assert len(touched - {WRITTEN}) <= 4, sorted(touched)

    sample = f"tests/samples/{provider}/mvrv.csv"
    told = run(project, "-c", USE, f"{provider}.mvrv", sample, provider, str(tmp_path / "home"))
    assert told.strip().splitlines()[-1] == "[('2026-01-05', 1.25), ('2026-01-06', 1.5)]"
    tests = ("tests/unit/sources/test_declarations.py", "tests/unit/test_graph.py")
    run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", f"{provider} or registry or sources_yml")
