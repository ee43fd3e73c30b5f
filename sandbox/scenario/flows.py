"""Daily flows of the US spot Bitcoin funds, as their page prints them: the morning after, not always at once."""

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from sandbox.market import TABLES
from sandbox.scenario.prices import Bars
from sandbox.scenario.story import Floats, Instants, Story
from sandbox.scenario.trading_calendar import trading_days

_USUAL_PRINT = timedelta(days=1, hours=4, minutes=3)  # after midnight UTC of the trading date
_LATE_PRINT = timedelta(days=1, hours=10, minutes=12)
_CORRECTION = timedelta(days=1, hours=9, minutes=48)
# The page shows the last fourteen trading dates, on the scenario's first day too.
_EARLIER_DAYS = 21
_TENTHS = 10  # the page prints one decimal


def table(story: Story, spot: Bars) -> pl.DataFrame:
    """`etf_flow`: a row for each value that ever stood on the page, so that corrections are further rows."""
    figures = story.figures("etf")
    trade_dates = trading_days(story, earlier_days=_EARLIER_DAYS)
    totals = _totals(story, spot, trade_dates)
    funds = list(figures["share"])
    rows: list[tuple[date, str, float, datetime]] = []
    lean = story.noise("etf.fund", len(trade_dates), len(funds))
    chance = story.uniform("etf.print", len(trade_dates), 4)
    for index, trade_date in enumerate(trade_dates.tolist()):
        active = [fund for fund in funds if figures["since"].get(fund, trade_date.date()) <= trade_date.date()]
        flows = _split(totals[index], np.array([figures["share"][fund] for fund in active]), lean[index, : len(active)])
        late, corrected, which, size = chance[index]
        for position, (fund, tenths) in enumerate(zip(active, flows, strict=True)):
            printed = _USUAL_PRINT + timedelta(minutes=2 * position)
            if fund == "IBIT" and late < figures["late_print_share"]:
                printed = _LATE_PRINT
            if corrected < figures["revision_share"] and position == int(which * len(active)) and fund != "IBIT":
                first = tenths + round((size - 0.5) * 200) + 1
                rows.append((trade_date.date(), fund, first / _TENTHS, trade_date + printed))
                printed = _CORRECTION
            rows.append((trade_date.date(), fund, tenths / _TENTHS, trade_date + printed))
    end = datetime.combine(story.last_day, time()) + timedelta(days=1)
    # What the page prints after the last day is not part of the scenario.
    return pl.DataFrame(rows, schema=pl.Schema(TABLES["etf_flow"]), orient="row").filter(pl.col("published_at") < end)


def _totals(story: Story, spot: Bars, trade_dates: Instants) -> list[int]:
    """Each trading date's total in tenths of a million USD."""
    figures = story.figures("etf")
    at = np.maximum(story.day_of(trade_dates), 0)
    amplitude = np.full(len(at), float(figures["noise"]))
    later = trade_dates > np.datetime64(story.anchors["last_day"]["article"])
    amplitude[later] = story.continued("etf", "noise") or figures["noise"]
    drawn = (
        story.daily("etf", "mean")[at]
        + figures["per_btc_return_pct"] * 100 * spot.by_day().returns[at]
        + amplitude * story.noise("etf.total", len(at))
    )
    anchored = {date.fromisoformat(day): total for day, total in figures["total"].items()}
    return [
        round(anchored.get(trade_date.date(), value) * _TENTHS)
        for trade_date, value in zip(trade_dates.tolist(), drawn, strict=True)
    ]


def _split(total: int, share: Floats, lean: Floats) -> list[int]:
    """A total over the funds, in whole tenths that add up to it exactly; money also moves between the funds."""
    ideal = total * share / share.sum() + 120 * share**0.5 * (lean - lean @ share / share.sum())
    # Small funds often report no flow at all.
    ideal[(np.abs(ideal) < 12) | ((share < 0.03) & (np.abs(lean) < 0.7))] = 0.0
    whole = [round(value) for value in ideal]
    whole[0] += total - sum(whole)
    return whole
