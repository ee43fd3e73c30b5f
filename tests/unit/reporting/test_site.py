"""The static site: addresses, what is written again and what is not, links, gaps, feeds, and files for programs."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import jsonschema
import pandas as pd
import polars as pl
import pytest
from lxml import etree, html

from reporting.answers import day_answer, schema
from reporting.published import read_board
from reporting.site.build import write_site
from tests.unit.reporting.warehouses import DAY, FIRST_DAY, publish

ATOM = {"atom": "http://www.w3.org/2005/Atom"}


@pytest.fixture(scope="module")
def site(published, tmp_path_factory) -> Path:
    return write_site(published, tmp_path_factory.mktemp("site"), base="https://example.org/leadline").folder


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_each_day_has_a_page_at_its_own_address_in_both_languages(site):
    every = [FIRST_DAY + timedelta(days=number) for number in range((DAY - FIRST_DAY).days + 1)]
    for day in every:
        for prefix, tag in {"": "en", "zh/": "zh-Hans"}.items():
            page = html.parse(str(site / f"{prefix}{day}/index.html")).getroot()
            assert page.get("lang") == tag
            assert (
                page.xpath("string(//link[@rel='canonical']/@href)") == f"https://example.org/leadline/{prefix}{day}/"
            )
            assert len(page.findall(".//h1")) == 1


def test_days_lead_to_their_neighbours_and_the_first_page_is_the_newest_day(site):
    yesterday = html.parse(str(site / f"{DAY - timedelta(days=1)}/index.html")).getroot()
    assert yesterday.xpath("//a[@rel='next']/@href") == [f"../{DAY}/index.html"]
    assert yesterday.xpath("//a[@rel='prev']/@href") == [f"../{DAY - timedelta(days=2)}/index.html"]
    first = html.parse(str(site / "index.html")).getroot()
    assert first.xpath("//a[@rel='next']") == []
    assert first.xpath("string(//link[@rel='canonical']/@href)") == "https://example.org/leadline/"
    assert (
        first.find(".//h1").text_content() == html.parse(str(site / f"{DAY}/index.html")).find(".//h1").text_content()
    )


def test_every_link_leads_somewhere(site):
    for page in pages(site):
        document = html.parse(str(page)).getroot()
        identifiers = set(document.xpath("//@id"))
        for target in document.xpath("//a/@href | //link[not(@rel='canonical')]/@href | //script/@src"):
            name, _, anchor = target.partition("#")
            if name and not name.startswith("https://"):
                assert (page.parent / name).is_file(), f"{page} → {target}"
            if anchor and not name:
                assert anchor in identifiers, f"{page} → {target}"


def test_nothing_is_fetched_from_elsewhere(site):
    for page in pages(site):
        document = html.parse(str(page)).getroot()
        loaded = document.xpath("//script/@src | //img/@src | //link[@rel='stylesheet']/@href | //iframe/@src")
        assert not [each for each in loaded if "//" in each]


def test_writing_again_changes_nothing(published, site):
    written = write_site(published, site, base="https://example.org/leadline")
    assert (written.rewritten_days, written.files_changed) == (0, 0)


def test_only_days_whose_content_changed_are_written_again(tmp_path):
    published = publish(tmp_path / "leadline.duckdb")
    write_site(published, tmp_path / "site")
    with duckdb.connect(str(published)) as connection:
        connection.execute("update marts.fct_bucket_daily set state = 'bull' where signal_date = ?", [DAY])
    assert write_site(published, tmp_path / "site").rewritten_days == 1
    assert json.loads((tmp_path / "site" / "api" / "v1" / "latest.json").read_bytes())["buckets"][0]["state"] == "bull"


def test_one_more_day_writes_that_day_and_the_link_to_it(tmp_path):
    published = publish(tmp_path / "leadline.duckdb")
    write_site(published, tmp_path / "site")
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            "insert into marts.fct_regime_daily select * replace (? as signal_date) from marts.fct_regime_daily "
            "where signal_date = ?",
            [DAY + timedelta(days=1), DAY],
        )
    assert write_site(published, tmp_path / "site").rewritten_days == 2
    assert (tmp_path / "site" / f"{DAY + timedelta(days=1)}" / "index.html").is_file()


def test_a_day_that_is_gone_has_no_page_any_more(tmp_path):
    published = publish(tmp_path / "leadline.duckdb")
    write_site(published, tmp_path / "site")
    with duckdb.connect(str(published)) as connection:
        connection.execute("delete from marts.fct_regime_daily where signal_date = ?", [FIRST_DAY])
    write_site(published, tmp_path / "site")
    assert not (tmp_path / "site" / f"{FIRST_DAY}").exists()


def test_a_day_for_programs_follows_its_schema_and_says_what_the_board_says(site, published):
    answer = json.loads((site / f"api/v1/days/{DAY}.json").read_bytes())
    jsonschema.validate(answer, schema("day"))
    board = read_board(published, DAY)
    assert answer["regime"] == board.regime.regime
    assert answer["as_known_at"] == f"{DAY + timedelta(days=1)}T01:00:00Z"
    assert {bucket["bucket"]: bucket["state"] for bucket in answer["buckets"]} == {
        bucket.bucket: bucket.state for bucket in board.buckets
    }
    assert json.loads(day_answer(board).model_dump_json()) == answer
    assert schema("day") == json.loads((site / "api/v1/schema/day.json").read_bytes())


def test_openapi_names_only_files_that_are_there(site):
    described = json.loads((site / "api/v1/openapi.json").read_bytes())
    for path in described["paths"]:
        name = path.format(signal_date=DAY, signal_id="rr25_30d")
        assert (site / f"api/v1{name}").is_file(), path
    for reference in [each for each in str(described).split("'") if each.startswith("#/components/schemas/")]:
        assert reference.rsplit("/", 1)[1] in described["components"]["schemas"]


def test_frames_read_the_addresses(site):
    data = json.loads((site / "api/v1/signals/rr25_30d.json").read_bytes())["data"]
    by_columns, by_rows = pd.DataFrame(data), pd.read_csv(site / "api/v1/signals/rr25_30d.csv")
    assert by_columns["value_as_known"].tolist() == by_rows["value_as_known"].tolist()
    assert pl.DataFrame(data)["signal_date"].to_list()[-1] == str(DAY)
    assert pl.read_csv(site / "api/v1/days.csv").height == len(list((site / "api/v1/days").glob("*.json")))


def test_chart_data_break_where_nothing_fresh_was_known(tmp_path):
    published = publish(tmp_path / "leadline.duckdb")
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            "update marts.fct_signal_daily set is_fresh = false where signal_id = 'rr25_30d' and signal_date = ?",
            [DAY - timedelta(days=2)],
        )
    write_site(published, tmp_path / "site")
    text = (tmp_path / "site/data/rr25_30d.js").read_text()
    series = json.loads(text.removeprefix('leadline.data("rr25_30d",').removesuffix(");\n"))
    values = dict(zip(series["dates"], series["values"], strict=True))
    assert values[str(DAY - timedelta(days=2))] is None
    assert values[str(DAY - timedelta(days=1))] is not None


def test_feeds_follow_their_formats(site):
    feed = etree.parse(str(site / "feed.xml"))
    for path in ("atom:id", "atom:title", "atom:updated", "atom:author/atom:name", "atom:link[@rel='self']"):
        assert len(feed.findall(path, ATOM)) == 1, path
    entries = feed.findall("atom:entry", ATOM)
    identifiers = [entry.findtext("atom:id", namespaces=ATOM) for entry in entries]
    assert len(set(identifiers)) == len(identifiers) > 1
    for entry in entries:
        assert datetime.fromisoformat(entry.findtext("atom:updated", namespaces=ATOM)).tzinfo == UTC
        assert entry.find("atom:link", ATOM).get("href").startswith("https://example.org/leadline/2")
    as_json = json.loads((site / "zh/feed.json").read_bytes())
    assert as_json["version"] == "https://jsonfeed.org/version/1.1"
    assert as_json["items"][0]["url"] == f"https://example.org/leadline/zh/{DAY}/"


def test_the_public_site_holds_no_value_that_may_not_be_passed_on(published, tmp_path):
    write_site(published, tmp_path / "site", public=True)
    withheld = {"-9.42", "−9.42", "69950", "69,950", "69\u202f950"}
    for file in (tmp_path / "site").rglob("*.*"):
        if file.suffix in {".html", ".json", ".js", ".csv", ".xml", ".txt"} and "lightweight" not in file.name:
            text = file.read_text(encoding="utf-8")
            assert not [value for value in withheld if value in text], file
    assert json.loads((tmp_path / "site/api/v1/latest.json").read_bytes())["is_public"] is True


def test_the_newest_page_says_from_when_on_it_is_late_unless_its_market_is_simulated(site, tmp_path):
    assert "data-due" not in (site / "index.html").read_text(encoding="utf-8")
    real = publish(tmp_path / "leadline.duckdb", simulated=False)
    write_site(real, tmp_path / "site")
    newest = html.parse(str(tmp_path / "site/index.html")).getroot().find("body")
    assert newest.get("data-due") == f"{DAY + timedelta(days=2)}T01:00:00+00:00"
    earlier = html.parse(str(tmp_path / f"site/{DAY - timedelta(days=1)}/index.html")).getroot().find("body")
    assert earlier.get("data-due") is None


def test_the_summary_for_spreadsheets_has_a_line_a_day(site):
    with (site / "api/v1/days.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["signal_date"] == str(DAY)
    assert len(rows[-1]["buckets"]) == 7
    assert len(rows[-1]["conditions"]) == 9
