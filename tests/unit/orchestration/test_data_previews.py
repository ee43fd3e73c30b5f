"""The plot and the line of bars of an asset's page."""

from base64 import b64decode
from datetime import date, timedelta

from lxml import etree

from orchestration.data_previews import BARS, bars, pictured, plot
from warehouse.table_profile import TableProfile

CURVE = [(date(2026, 2, 1) + timedelta(days=n), value) for n, value in ((0, 10.0), (1, 30.0), (3, 20.0))]


def test_bars_go_from_the_lowest_to_the_highest() -> None:
    assert bars([1.0, 8.0, 4.5]) == f"{BARS[0]}{BARS[-1]}{BARS[4]}"
    assert bars([5.0, 5.0]) == BARS[0] * 2


def test_the_plot_keeps_the_distance_between_days_and_values() -> None:
    drawing = etree.fromstring(plot(CURVE).encode())
    points = [tuple(map(float, point.split(","))) for point in drawing[0].get("points").split()]
    (x0, y0), (x1, y1), (x2, y2) = points
    assert round((x2 - x1) / (x1 - x0), 2) == 2  # a day without a reading is twice as wide
    assert y1 < y2 < y0  # up is down in SVG
    assert round((y0 - y2) / (y0 - y1), 2) == 0.5


def test_an_asset_shows_rows_range_latest_row_trend_and_plot() -> None:
    latest = {"day": date(2026, 2, 4), "value": 20.0, "note": "a|b", "none": None}
    shown = pictured(TableProfile(3, CURVE[0][0], CURVE[-1][0], latest, "value", CURVE))
    assert shown["dagster/row_count"] == 3
    assert shown["range"] == "2026-02-01 to 2026-02-04"
    assert shown["latest row"].value.splitlines()[2:] == ["| day | 2026-02-04 |", "| value | 20 |", "| note | a\\|b |"]
    assert shown["trend"].endswith("20 (value)")
    image = shown["plot"].value.rpartition("base64,")[2].rstrip(")")
    assert b64decode(image).decode() == plot(CURVE)


def test_what_has_no_curve_has_no_plot() -> None:
    flat = TableProfile(2, date(2026, 2, 1), date(2026, 2, 2), {"value": 1.0}, "value", [(CURVE[0][0], 1.0)] * 2)
    assert {"trend", "plot"}.isdisjoint(pictured(flat))
    assert pictured(TableProfile(0, None, None, {}, "", ())) == {"dagster/row_count": 0}
