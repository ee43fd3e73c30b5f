"""Farside's two pages as they stood at an instant, from `etf_flow`: each figure from the time it was published on."""

from datetime import date, time, timedelta
from functools import lru_cache

import polars as pl
from starlette.responses import Response

from sandbox.etf_flows import published_since
from sandbox.market import Market
from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer

# The page's columns, in its order. MSBT is there only where the table has it, and so is any other fund.
ORDER = ("IBIT", "FBTC", "BITB", "ARKB", "BTCO", "EZBC", "BRRR", "HODL", "BTCW", "MSBT", "GBTC", "BTC")
RECENT_DATES = 13
PLACEHOLDER_FROM = time(12)  # the row of a trading date is there, all dashes, from about noon of it
DAY = timedelta(days=1)
BLANK = "&nbsp;&nbsp;"


def recent(request: ProviderRequest) -> Response:
    """`/btc/`: the last trading dates under three header rows, tickers in the second, the word Total in the first."""
    return text_answer(_page(request.market, *_state(request), is_recent=True), media_type="text/html")


def all_data(request: ProviderRequest) -> Response:
    """`/bitcoin-etf-flow-all-data/`: every trading date under one header row."""
    return text_answer(_page(request.market, *_state(request), is_recent=False), media_type="text/html")


def _state(request: ProviderRequest) -> tuple[int, date]:
    """What decides the page: how many figures have been published, and the newest date that may have a row."""
    today = request.clock.date()
    newest = today if request.clock.time() >= PLACEHOLDER_FROM else today - DAY
    return int((_published(request.market)["since"] <= request.clock).sum()), newest


@lru_cache(maxsize=4)
def _published(market: Market) -> pl.DataFrame:
    """All figures in the order in which they came to stand on the page, with that time as `since`."""
    since = published_since()
    return market.table("etf_flow").with_columns(since=since).sort("since", maintain_order=True)


@lru_cache(maxsize=4)  # between two publications the page does not change
def _page(market: Market, published: int, newest: date, *, is_recent: bool) -> str:
    flows = _flows(_published(market), published, newest)
    funds = flows.columns[1:-1]
    if is_recent:
        head = _row("th", BLANK, [f'<img src="/images/etf/{fund}.jpg">' for fund in funds] + [f"{BLANK}Total"])
        head += _row("th", "", [*(BLANK + fund for fund in funds), ""])
        head += _row("th", "Fee", ["0.25%"] * len(funds) + [""])
    else:
        head = _row("th", "Date", [*funds, "Total"])
    rows = [[_cell(value) for value in values] for _, *values in flows.iter_rows()]
    labels = [f"{day:%d %b %Y}" for day in flows["date"]]
    colours = [""] * (len(rows) - 1) + ["#99ff99" if _is_incomplete(flows) else ""] if rows else []
    shown = slice(-RECENT_DATES, None) if is_recent else slice(None)
    body = [_row("td", *row) for row in zip(labels[shown], rows[shown], colours[shown], strict=True)]
    figures = pl.exclude("date")
    for label, footer in (("Average", figures.mean()), ("Maximum", figures.max()), ("Minimum", figures.min())):
        body.append(_row("td", label, [_cell(value) for value in flows.select(footer).row(0)], "#eaeffa"))
    totals = [_cell(value).replace(".0", "") for value in flows.select(figures.sum().round(0)).row(0)]
    body.insert(-3, _row("td", "Total", totals, "#eaeffa"))
    table = f'<table class="etf"><thead>{head}</thead><tbody>{"".join(body)}</tbody></table>'
    return f"<!DOCTYPE html><html><head><title>Bitcoin ETF Flow</title></head><body>{table}</body></html>\n"


def _flows(table: pl.DataFrame, published: int, newest: date) -> pl.DataFrame:
    """Date, a column a fund, and the sum of what has arrived: millions, null where a dash stands."""
    present = set(table["fund"])
    place = ORDER.index("GBTC")
    order = (*ORDER[:place], *sorted(present - set(ORDER)), *ORDER[place:])
    funds = [fund for fund in order if fund in present or fund != "MSBT"]
    standing = table.head(published).unique(["date", "fund"], keep="last", maintain_order=True)
    wide = standing.pivot("fund", on_columns=funds, index="date", values="flow_usd_m")
    dates = table.filter(pl.col("date") <= newest).select(pl.col("date").unique().sort())
    return dates.join(wide, on="date", how="left", maintain_order="left").with_columns(Total=pl.sum_horizontal(funds))


def _is_incomplete(flows: pl.DataFrame) -> bool:
    """Whether a fund that has reported before is missing from the newest row, or every fund is."""
    earlier, last = flows[:-1, 1:-1], flows[-1:, 1:-1]
    reported = {fund.name for fund in last if fund.count()}
    return not reported or any(fund.count() and fund.name not in reported for fund in earlier)


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    text = f"{abs(value):,.1f}"
    return f'<span class="redFont">({text})</span>' if value < 0 and text != "0.0" else text


def _row(tag: str, label: str, cells: list[str], background: str = "") -> str:
    style = f' style="background-color: {background} !important;"' if background else ""
    row = [f'<tr{style}>\n<{tag}><span class="tabletext">{label}</span></{tag}>']
    for cell in cells:
        kind = ' class="zero-flow"' if cell in ("-", "0.0") else ""
        row.append(f'<{tag}{kind}><div align="right"><span class="tabletext">{cell}</span></div></{tag}>')
    return "".join(row) + "</tr>\n"


ROUTES: dict[str, RouteHandler] = {
    "GET farside.co.uk/btc/": recent,
    "GET farside.co.uk/bitcoin-etf-flow-all-data/": all_data,
}
