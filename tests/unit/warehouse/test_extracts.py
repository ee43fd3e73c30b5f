"""Parquet extracts: units in the file, the same bytes for the same rows, shown as a whole set."""

import csv
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.unit.warehouse.marts import build
from tests.unit.warehouse.world import answer, bar, land_and_load
from warehouse.database import Warehouse
from warehouse.errors import PublishError
from warehouse.extracts import write_extracts
from warehouse.home import Home
from warehouse.publish import publish


@pytest.fixture
def published(home: Home) -> Home:
    home.claim_origin("made up")
    land_and_load(home, answer([bar(0)], 3))
    build(home)
    publish(home, as_of=datetime(2026, 2, 7, 1, tzinfo=UTC), code_version="1.2.3")
    return home


def manifest(home: Home) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((home.extracts / "manifest.json").read_text(encoding="utf-8"))
    return content


def rows(home: Home, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(home.extracts / name / f"{name}.parquet").to_pylist()
    return found


def test_each_mart_is_a_file_under_its_name_without_fct(published: Home) -> None:
    assert write_extracts(published) == published.extracts / "manifest.json"
    names = sorted(str(path.relative_to(published.extracts)) for path in published.extracts.rglob("*.parquet"))
    assert names == [
        "bucket_daily/bucket_daily.parquet",
        "dim_signal/dim_signal.parquet",
        "price_daily/price_daily.parquet",
        "regime_log/regime_log.parquet",
        "signal_daily/signal_daily.parquet",
    ]


def test_rows_are_sorted_by_key(published: Home) -> None:
    write_extracts(published)
    assert [(str(row["signal_date"]), row["signal_id"]) for row in rows(published, "signal_daily")] == [
        ("2026-02-05", "btc_close_usd"),
        ("2026-02-06", "btc_close_usd"),
        ("2026-02-06", "etf_net_flow_usd"),
    ]


def test_the_same_rows_give_the_same_bytes(published: Home) -> None:
    write_extracts(published)
    before = {path.name: path.read_bytes() for path in published.extracts.rglob("*.parquet")}
    build(
        published, "create or replace table marts.fct_signal_daily as from marts.fct_signal_daily order by value desc;"
    )
    build(published, "comment on table marts.fct_signal_daily is 'x'")
    build(published, "comment on column marts.fct_signal_daily.value is 'Settled reading, in the unit of the row'")
    publish(published)
    write_extracts(published)
    assert {path.name: path.read_bytes() for path in published.extracts.rglob("*.parquet")} == before


def test_the_manifest_describes_and_proves_every_file(published: Home) -> None:
    write_extracts(published)
    said = manifest(published)
    assert (said["as_of"], said["code_version"], said["origin"], said["public"]) == (
        "2026-02-07T01:00:00+00:00",
        "1.2.3",
        "made up",
        False,
    )
    for extract in said["extracts"]:
        content = (published.extracts / extract["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == extract["sha256"]
    [signals] = [extract for extract in said["extracts"] if extract["name"] == "signal_daily"]
    assert (signals["rows"], signals["first_date"], signals["last_date"]) == (3, "2026-02-05", "2026-02-06")


def test_units_and_descriptions_are_in_the_file_itself(published: Home) -> None:
    write_extracts(published)
    schema = pq.read_schema(published.extracts / "price_daily" / "price_daily.parquet")
    assert schema.field("close_usd").metadata[b"unit"] == b"USD"
    assert schema.field("close_usd").metadata[b"description"] == b"Last price [USD]"
    columns = json.loads(schema.metadata[b"leadline.columns"])
    assert columns[2] == {"name": "close_usd", "type": "DOUBLE", "unit": "USD", "description": "Last price [USD]"}


@pytest.mark.parametrize(
    ("column", "comment", "unit"),
    [
        ("close_usd", None, "USD"),
        ("close_usd", "Last price", "USD"),
        ("age_days", "Days since then [days].", "days"),
        ("open_interest_btc", "Coins [BTC]", "BTC"),
        ("flip_distance", "What must be added. Unit: that of the rule.", "that of the rule"),
        ("volume_usd", "In thousands [thousand USD]", "thousand USD"),
        ("venue", "Exchange.", None),
    ],
)
def test_a_unit_comes_from_the_comment_or_the_name(
    home: Home, column: str, comment: str | None, unit: str | None
) -> None:
    land_and_load(home, answer([bar(0)], 3))
    build(home, f"create schema marts; create table marts.fct_x as select 1 as {column}")
    if comment:
        build(home, f"comment on column marts.fct_x.{column} is '{comment}'")
    publish(home)
    write_extracts(home)
    [extract] = manifest(home)["extracts"]
    assert extract["columns"][0]["unit"] == unit


def test_public_extracts_hold_no_restricted_value_and_keep_the_states(published: Home) -> None:
    write_extracts(published, public=True)
    values = {row["signal_id"]: row["value"] for row in rows(published, "signal_daily")}
    assert values == {"btc_close_usd": 70500.0, "etf_net_flow_usd": None}
    assert rows(published, "bucket_daily") == [
        {"signal_date": datetime(2026, 2, 6).date(), "bucket": "flows", "state": "bear", "evidence": None}
    ]
    assert manifest(published)["omitted"] == ["price_daily"]
    assert not (published.extracts / "price_daily").exists()


def test_what_may_be_passed_on_lies_beside_the_rest(published: Home) -> None:
    write_extracts(published)
    assert write_extracts(published, published.public, public=True) == published.path / "public/extracts/manifest.json"
    assert (published.extracts / "price_daily").exists()
    assert not (published.public.extracts / "price_daily").exists()


def test_licences_are_in_the_file_and_in_the_manifest(published: Home) -> None:
    write_extracts(published)
    own = pq.read_schema(published.extracts / "signal_daily" / "signal_daily.parquet").metadata
    terms = {"demo.bar": "made up", "demo.other_bar": "made up"}
    assert json.loads(own[b"leadline.datasets"]) == manifest(published)["datasets"] == terms
    assert b"own use" in own[b"leadline.licence"]
    write_extracts(published, public=True)
    public = pq.read_schema(published.extracts / "signal_daily" / "signal_daily.parquet").metadata
    assert b"left out" in public[b"leadline.licence"]


def test_a_changed_schema_is_said_once(published: Home) -> None:
    write_extracts(published)
    assert manifest(published)["schema_changes"] == []
    build(published, "alter table marts.fct_price_daily drop column venue")
    build(published, "alter table marts.fct_price_daily alter close_usd type decimal(18, 2)")
    build(published, "alter table marts.fct_price_daily add column volume_btc double; drop table marts.dim_signal")
    publish(published)
    write_extracts(published)
    assert manifest(published)["schema_changes"] == [
        "dim_signal: gone",
        "price_daily.close_usd: DOUBLE in USD became DECIMAL(18,2) in USD",
        "price_daily.venue: gone",
        "price_daily.volume_btc: new, DOUBLE in BTC",
    ]
    write_extracts(published)
    assert manifest(published)["schema_changes"] == []


FORMULAS = ["=1+1", "+1", "-1", "@sum", "\ttab", "\rreturn", "plain", "a=b", "'=1", 'quote " and, comma', None, ""]


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers(published: Home) -> None:
    build(published, "create or replace table marts.dim_signal (signal_id varchar, level double)")
    with Warehouse(published) as warehouse:
        warehouse.connection.executemany(
            "insert into marts.dim_signal values (?, ?)", [[text, -number] for number, text in enumerate(FORMULAS)]
        )
    publish(published)
    write_extracts(published, csv=True)
    file = published.extracts / "dim_signal" / "dim_signal.csv"
    [about] = [extract for extract in manifest(published)["extracts"] if extract["name"] == "dim_signal"]
    assert about["csv_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    with file.open(encoding="utf-8", newline="") as lines:
        read = {float(row["level"]): row["signal_id"] for row in csv.DictReader(lines)}
    cells = [read[-number] for number in range(len(FORMULAS))]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert cells[:6] == [f"'{text}" for text in FORMULAS[:6] if text]
    assert cells[6:] == [text or "" for text in FORMULAS[6:]]


def test_pandas_polars_and_arrow_read_the_same(published: Home) -> None:
    write_extracts(published)
    file = published.extracts / "signal_daily" / "signal_daily.parquet"
    expected = pq.read_table(file).to_pylist()
    assert pl.read_parquet(file).to_dicts() == expected
    frame = pd.read_parquet(file)
    assert list(frame["signal_id"]) == [row["signal_id"] for row in expected]
    assert list(frame["value"]) == [row["value"] for row in expected]
    assert frame["value_as_known"].isna().tolist() == [row["value_as_known"] is None for row in expected]


def test_the_whole_set_changes_at_once_and_the_last_one_stays_for_its_readers(published: Home) -> None:
    write_extracts(published)
    first = published.extracts.resolve()
    write_extracts(published)
    second = published.extracts.resolve()
    write_extracts(published)
    assert not first.exists()
    assert sorted(path.name for path in second.parent.iterdir()) == sorted(
        [second.name, published.extracts.resolve().name]
    )


def test_a_folder_in_the_way_is_replaced(published: Home) -> None:
    (published.extracts / "old").mkdir(parents=True)
    write_extracts(published)
    assert (published.extracts / "manifest.json").is_file()
    assert not (published.extracts / "old").exists()


def test_nothing_published_is_nothing_to_extract(home: Home) -> None:
    with pytest.raises(PublishError, match="leadline run"):
        write_extracts(home)
    assert not home.extracts.exists()
