"""The report page: complete, escaped, and in need of nothing but a browser."""

import re
from datetime import date, timedelta

import pytest
from lxml import html

from reporting.board import Series, open_published
from reporting.charts import line_chart, price_chart
from reporting.page import write_report
from tests.unit.reporting.warehouses import DAY, publish


@pytest.fixture(scope="module")
def report(published, tmp_path_factory):
    return write_report(published, tmp_path_factory.mktemp("home") / "report")


@pytest.fixture(scope="module")
def page(report):
    return html.fromstring(report.read_text(encoding="utf-8"))


def text_of(page):
    return " ".join(page.text_content().split())


def test_both_languages_are_written_and_linked(report, page):
    assert report.name == "index.html"
    assert sorted(path.name for path in report.parent.iterdir()) == ["index.html", "zh.html"]
    assert page.xpath("//a/@href") == ["zh.html"]
    chinese = html.fromstring((report.parent / "zh.html").read_text(encoding="utf-8"))
    assert chinese.get("lang") == "zh"
    assert "纾困反弹" in text_of(chinese)


def test_the_first_screen_answers_the_question(page):
    header = " ".join(page.find(".//header").text_content().split())
    assert "Relief rally since 6 February 2026, day 1" in header
    assert "below the level" in header
    assert "S1: macro risk appetite holds (unknown)" in header


def test_nothing_is_loaded_from_elsewhere(report):
    source = report.read_text(encoding="utf-8")
    assert not re.search(r"https?://|<script|<link|@import|url\(", source)


def test_text_from_the_warehouse_is_escaped(report):
    source = report.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in source
    assert "&lt;b&gt;macro&lt;/b&gt; &amp; co" in source


def test_simulated_data_is_labelled_in_title_top_and_bottom(page, tmp_path):
    assert page.find(".//title").text.startswith("SIMULATED DATA")
    labels = page.xpath("//p[@class='simulated']")
    assert len(labels) == 2
    public = write_report(publish(tmp_path / "leadline.duckdb", simulated=False), tmp_path / "report")
    assert "SIMULATED" not in public.read_text(encoding="utf-8")


def test_the_table_has_a_row_a_bucket_and_the_framework_nine_conditions(page):
    assert len(page.xpath("//table[@class='buckets']/tbody/tr")) == 7
    assert [item.find("b").text for item in page.xpath("//ul[@class='conditions']/li")] == [
        "H1", "H2", "H3", "R1", "R2", "R3", "S1", "S2", "S3",
    ]  # fmt: skip


def test_data_health_lists_every_dataset(page):
    assert page.xpath("//table[@class='health']/tbody/tr/th/text()") == ["farside.etf_flow", "binance.spot_candle_1d"]


def test_charts_are_drawn_for_price_and_every_known_primary(page):
    # Macro's primary is not known.
    assert len(page.xpath("//svg")) == 7
    price = page.xpath("//figure[@class='price']/svg")[0]
    assert len(price.xpath(".//polyline[@class='line']")) == 2
    assert len(price.xpath(".//polyline[@class='level']")) == 1
    assert len(price.xpath(".//polygon[@class='band']")) == 1
    assert [span.get("class") for span in price.xpath(".//rect")] == [
        "span stabilizing", "span capitulation", "span relief_rally",
    ]  # fmt: skip


def test_an_earlier_date_can_be_reported(published, tmp_path):
    page = write_report(published, tmp_path / "report", DAY - timedelta(days=1))
    assert "Capitulation" in page.read_text(encoding="utf-8")


def test_a_second_report_replaces_the_first(published, tmp_path):
    first = write_report(published, tmp_path, DAY - timedelta(days=1)).read_text(encoding="utf-8")
    second = write_report(published, tmp_path).read_text(encoding="utf-8")
    assert first != second
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "zh.html"]


def days(count):
    return tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(count))


def test_a_chart_of_nothing_is_none(published):
    assert line_chart(Series((), ())) is None
    assert line_chart(Series(days(2), (None, None))) is None


def test_a_gap_stays_a_gap():
    chart = line_chart(Series(days(5), (1.0, 2.0, None, 3.0, 4.0)))
    assert len(chart.lines) == 2


def test_a_constant_series_lies_in_the_middle_with_one_number():
    chart = line_chart(Series(days(3), (2.0, 2.0, 2.0)))
    heights = {point.split(",")[1] for point in chart.lines[0].split()}
    assert len(heights) == 1
    assert len(chart.values) == 1


def test_zero_is_drawn_only_when_crossed():
    assert line_chart(Series(days(2), (-1.0, 1.0))).zero is not None
    assert line_chart(Series(days(2), (1.0, 2.0))).zero is None


def test_higher_values_lie_higher():
    chart = line_chart(Series(days(2), (1.0, 2.0)))
    low, high = (float(point.split(",")[1]) for point in chart.lines[0].split())
    assert high < low


def test_a_price_never_known_has_no_chart(published):
    with open_published(published) as warehouse:
        history = warehouse.history(warehouse.board(DAY))
    unknown = Series(history.close.dates, (None,) * len(history.close.dates))
    assert price_chart(type(history)(**{**vars(history), "close": unknown})) is None
