"""The docs site: every signal, table, rule and error has its place, and no link of the prose leads nowhere."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from reporting.published import open_published
from reporting.reference import reference
from sources.core.errors import Failure

REPOSITORY = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")
# Pages that the site writes by itself.
WRITTEN = re.compile(r"(signals/.*|rules|data-dictionary|errors)\.md|dbt/static_index\.html")


@pytest.fixture(scope="module")
def pages(scenario_home: Path) -> dict[str, str | bytes]:
    return reference(scenario_home / "leadline.duckdb")


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hooks", REPOSITORY / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_signal_has_an_entry_with_formula_unit_and_a_marked_plot(
    pages: dict[str, str | bytes], scenario_home: Path
) -> None:
    with open_published(scenario_home / "leadline.duckdb") as warehouse:
        signals = warehouse.rows("select signal_id, bucket, formula, unit from marts.dim_signal")
        read = warehouse.rows(
            "select signal_id from marts.fct_signal_daily where value_as_known is not null and signal_date > "
            "(select max(signal_date) from marts.fct_signal_daily) - 365 group by 1 having count(*) > 1"
        )
    assert len(signals) > 80
    for signal in signals:
        page = pages[f"signals/{signal['bucket']}.md"]
        assert isinstance(page, str)
        assert f"{{ #{signal['signal_id']} }}" in page
        assert signal["formula"].split("|")[0][:30].strip() in page
    plots = {path: plot for path, plot in pages.items() if path.endswith(".svg")}
    assert set(plots) == {f"signals/{row['signal_id']}.svg" for row in read}
    assert all(b"simulated data" in plot for plot in plots.values() if isinstance(plot, bytes))


def test_every_table_and_rule_is_described(pages: dict[str, str | bytes], scenario_home: Path) -> None:
    with open_published(scenario_home / "leadline.duckdb") as warehouse:
        tables = warehouse.rows("select table_name from duckdb_tables() where schema_name = 'marts'")
        rules = warehouse.rows("select distinct rule_id from marts.dim_rule")
    assert all(f"## marts.{table['table_name']}" in str(pages["data-dictionary.md"]) for table in tables)
    assert all(f"| {rule['rule_id']} |" in str(pages["rules.md"]) for rule in rules)


def test_every_kind_of_failure_and_every_message_is_listed(hooks: ModuleType) -> None:
    page = hooks._errors()
    assert all(f"| `{failure.value}` |" in page for failure in Failure)
    for message in (
        "holds data from … and this run takes it from …",
        "No stand-in upstream at …",
        "There is no board for …",
        "Only one process can write it.",
    ):
        assert message in page


@pytest.mark.parametrize(
    "document",
    sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]),
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_no_link_leads_nowhere(document: Path) -> None:
    for link in LINK.finditer(document.read_text(encoding="utf-8")):
        target = link["target"]
        if target.startswith(("https://", "http://", "mailto:")) or WRITTEN.fullmatch(target):
            continue
        assert (document.parent / target).exists(), f"{document.name} links to {target}, which is not there"
