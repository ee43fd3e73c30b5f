"""The report: complete in both languages, escaped, and in need of nothing but a browser."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from reporting.context import read_context
from reporting.page import render_page, write_report
from reporting.published import open_published
from tests.unit.reporting.warehouses import DAY, publish

LANGUAGES = ("en", "zh")


def spaced(text):
    """A text with plain spaces, one between words."""
    return " ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def report(published, tmp_path_factory):
    return write_report(published, tmp_path_factory.mktemp("home") / "report")


@pytest.fixture(scope="module")
def source(report):
    return report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source):
    return html.fromstring(source)


@pytest.fixture(scope="module")
def public(published, tmp_path_factory):
    report = write_report(published, tmp_path_factory.mktemp("public"), public=True)
    return html.fromstring(report.read_text(encoding="utf-8"))


def edition(page, language):
    return page.xpath(f"//div[@id='{language}']")[0]


def test_one_file_holds_both_languages_and_links_between_them(report, page):
    assert [path.name for path in report.parent.iterdir()] == ["index.html"]
    assert [part.get("lang") for part in page.xpath("//div[@class='edition']")] == ["en", "zh-Hans"]
    for language in LANGUAGES:
        links = edition(page, language).xpath(".//nav[@class='switch']/a")
        assert [link.get("href") for link in links] == ["#en", "#zh"]
        assert [link.get("href") for link in links if link.get("aria-current")] == [f"#{language}"]


def test_the_first_screen_answers_the_question(page):
    first = spaced(edition(page, "en").xpath(".//section[@class='first']")[0].text_content())
    assert "Relief rally, since 6 February 2026, day 1" in first
    assert "69 950 USD is 0.1 % below the level 70 000 USD, inside the cluster 66 900–70 600 USD" in first
    assert "Regime: Capitulation → Relief rally" in first
    assert "S1: macro risk appetite holds (unknown)" in first
    assert "The close needs 50 USD to reach the level" in first
    assert "2026-02-13 Options expire" in first


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(source):
    assert not re.search(r"https?://|<script|<link|@import|url\((?!#)", source)
    assert "default-src 'none'" in source


def test_every_link_leads_to_a_place_in_its_own_language(page):
    for language in LANGUAGES:
        part = edition(page, language)
        targets = {link.get("href").removeprefix("#") for link in part.xpath(".//a") if "lang" not in link.attrib}
        assert len(targets) > 10
        assert targets <= set(part.xpath(".//@id"))


def test_identifiers_are_not_given_twice(page):
    identifiers = page.xpath("//@id")
    assert len(identifiers) == len(set(identifiers))


def test_drawings_refer_to_what_is_there(source):
    assert set(re.findall(r"url\(#([^)]+)\)", source)) <= set(re.findall(r'id="([^"]+)"', source))


def test_text_from_the_warehouse_is_escaped(source):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in source
    assert "&lt;em&gt;CPI&lt;/em&gt;" in source
    assert "eleven &lt;i&gt;funds&lt;/i&gt;" in source
    assert not re.search(r"<(script|i|em)>", source)


def test_a_hostile_name_stays_text_inside_a_drawing(published):
    with open_published(published) as warehouse:
        board = warehouse.board()
        context = read_context(warehouse, board)
    evil = replace(board.readings["rr25_30d"], name_en='"><script>alert(1)</script>', name_zh="<b>@regime@</b>")
    buckets = [replace(each, primary=evil) if each.bucket == "options" else each for each in board.buckets]
    source = render_page(replace(board, readings={**board.readings, "rr25_30d": evil}, buckets=tuple(buckets)), context)
    assert "<script" not in source
    assert "<b>@" not in source


def test_simulated_data_is_labelled_in_title_top_bottom_and_on_every_drawing(page, tmp_path):
    assert page.find(".//title").text.startswith("SIMULATED · ")
    assert len(page.xpath("//p[@class='simulated']")) == 4
    drawings = page.xpath("//svg")
    marks = {"en": "SIMULATED", "zh": "模拟数据"}
    assert all(
        marks["zh" if drawing.xpath("ancestor::div[@id='zh']") else "en"] in drawing.text_content()
        for drawing in drawings
    )
    real = write_report(publish(tmp_path / "leadline.duckdb", simulated=False), tmp_path / "report")
    assert "SIMULATED" not in real.read_text(encoding="utf-8")


def test_the_table_has_a_row_a_bucket_and_the_framework_nine_conditions(page):
    for language in LANGUAGES:
        part = edition(page, language)
        assert len(part.xpath(".//table[@class='buckets']/tbody/tr")) == 7
        names = part.xpath(".//ol[starts-with(@class, 'conditions')]/li/p/b[@class='name']/text()")
        assert names == ["H1", "H2", "H3", "R1", "R2", "R3", "S1", "S2", "S3"]
        assert spaced(part.xpath(".//li[@class='next']/p/b/text()")[0]) == "S1"


def test_a_reading_shows_unit_date_age_and_where_it_comes_from(page):
    flows = edition(page, "en").xpath(".//tr[@id='en-flows']")[0]
    text = spaced(flows.text_content())
    assert "Spot ETF net flow −434.1 m USD 2026-02-05, 1 d old, not final" in text
    facts = [spaced(each.text_content()) for each in flows.xpath(".//dl")[0].iter("dt", "dd")]
    pairs = dict(zip(facts[::2], facts[1::2], strict=True))
    assert pairs["Provider"] == "Farside Investors"
    assert pairs["Settled value known, UTC"] == "2026-02-07 00:20"
    assert pairs["Time basis"] == "observed by us"
    assert "+34.2 m USD · Spot ETF net flow → improving" in text


def test_data_health_lists_every_dataset_with_its_last_error(page):
    rows = edition(page, "en").xpath(".//table[starts-with(@class, 'health')]/tbody/tr")
    assert [row.find("th").text for row in rows] == ["farside.etf_flow", "binance.spot_candle_1d"]
    assert "1 d" in spaced(rows[0].text_content())
    assert "failed original message: <script>" in spaced(rows[1].text_content())
    assert "1 of 2 datasets answered" in spaced(edition(page, "en").text_content())


def test_what_is_known_is_drawn_with_a_sentence_and_its_table(page):
    for language in LANGUAGES:
        part = edition(page, language)
        # Price twice, for two widths; macro's primary is not known; four of options; what moved the price.
        assert len(part.xpath(".//svg[@role='img']")) == 2 + 6 + 4 + 1
        assert all(len(label) > 20 for label in part.xpath(".//svg/@aria-label"))
        assert len(part.xpath(".//details[@class='data']//table")) == 1 + 6 + 4 + 1


def test_thresholds_of_rules_are_drawn_into_the_chart_of_their_bucket(page):
    options = edition(page, "en").xpath(".//svg[starts-with(@aria-label, 'Options')]")[0].text_content()
    assert "▼ −8" in options
    assert "▲ −5" in options


def test_the_table_behind_the_price_holds_what_is_drawn(page):
    rows = edition(page, "en").xpath(".//figure[@class='price']//tbody/tr")
    newest = [spaced(cell.text_content()) for cell in rows[0]]
    assert newest == ["2026-02-06", "69 950", "70 000", "66 900", "70 600", "Relief rally"]
    assert len(rows) == (DAY - DAY.replace(year=2025, month=10, day=1)).days + 1


def test_the_chinese_edition_has_no_english_prose(source):
    part = edition(html.fromstring(source), "zh")
    for quoted in part.xpath(".//*[@lang='en'] | .//nav[@class='switch']"):
        quoted.drop_tree()
    words = re.findall(r"[A-Za-z]{3,}(?: [a-z]{2,})+", part.text_content())
    assert words == []


def test_an_earlier_date_can_be_reported_and_replaces_the_page(published, tmp_path):
    newest = write_report(published, tmp_path).read_text(encoding="utf-8")
    earlier = write_report(published, tmp_path, DAY - timedelta(days=1)).read_text(encoding="utf-8")
    assert "Capitulation</span>, since 5 February 2026" in earlier
    assert newest != earlier
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_the_same_warehouse_gives_the_same_page(published, tmp_path, source):
    assert write_report(published, tmp_path).read_text(encoding="utf-8") == source


def test_for_the_public_states_stay_and_values_go(public):
    text = spaced(edition(public, "en").text_content())
    assert "Relief rally, since 6 February 2026" in text
    assert "The price is not for republication" in text
    assert "Spot ETF net flow not for republication 2026-02-05" in text
    assert len(public.xpath("//tr[starts-with(@id, 'en-')]//span[starts-with(@class, 'state bear')]")) == 5
    assert not re.search(r"69 950|434\.1|−9\.4|33\.40|60 000 USD", text)
    # Thresholds are the rules', not a source's.
    assert "≤ −8 vol" in text


def test_for_the_public_only_regimes_are_drawn_where_no_value_may_be_passed_on(public):
    labels = edition(public, "en").xpath(".//svg/@aria-label")
    assert len(labels) == 2
    assert all(label.startswith("Regimes, the last 180 days") for label in labels)


def test_a_price_never_known_leaves_the_regimes(published):
    with open_published(published) as warehouse:
        board = warehouse.board()
        context = read_context(warehouse, board)
    unknown = replace(context.history.close, values=(None,) * len(context.history.close.dates))
    source = render_page(board, replace(context, history=replace(context.history, close=unknown)))
    assert "Regimes, the last 180 days" in source
