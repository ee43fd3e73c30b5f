"""Deribit's wire format: the option chain of the moment, hourly funding, and DVOL paged backwards."""

from datetime import datetime
from functools import lru_cache

import polars as pl
from starlette.responses import Response

from sandbox.bars import HOUR, Row, between, events, instant, milliseconds
from sandbox.market import Market
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

PERPETUAL = "BTC-PERPETUAL"
FUNDING_ROWS = 744
DVOL_ROWS = 1000  # not documented; the real cap is followed by its cursor only


def book_summary(request: ProviderRequest) -> Response:
    """`get_book_summary_by_currency`: the newest chain, unordered as far as anyone may rely on; or the futures."""
    if request.params.get("currency") != "BTC":
        return _invalid("currency", request)
    if request.params.get("kind") == "future":
        newest = events(request, "open_interest", "deribit", "time").drop_nulls().tail(1)
        return _result([_perpetual(row) for row in newest.iter_rows(named=True)], request.clock)
    times = _snapshot_times(request.market)
    position = times.search_sorted(request.clock, side="right") - 1
    if request.params.get("kind") != "option" or position < 0:
        return _result([], request.clock)
    return Response(_chain(request.market, times[position]), media_type="application/json")


def _perpetual(row: Row) -> dict[str, object]:
    """The market tables know one open interest of the venue, so the perpetual has all of it."""
    mark = row["oi_usd"] / row["oi_btc"]
    return {
        "high": None,
        "low": None,
        "last": None,
        "instrument_name": PERPETUAL,
        "bid_price": None,
        "ask_price": None,
        "open_interest": row["oi_usd"],
        "mark_price": mark,
        "creation_timestamp": milliseconds(row["time"]),
        "current_funding": 0.0,
        "estimated_delivery_price": mark,
        "funding_8h": 0.0,
        "price_change": None,
        "volume": 0.0,
        "base_currency": "BTC",
        "quote_currency": "USD",
        "volume_usd": 0.0,
        "volume_notional": 0.0,
        "mid_price": None,
    }


def option_trades(request: ProviderRequest) -> Response:
    """`get_last_trades_by_currency_and_time`: no market table holds trades."""
    return _result({"trades": [], "has_more": False}, request.clock)


@lru_cache(maxsize=8)
def _snapshot_times(market: Market) -> pl.Series:
    return market.table("option_chain")["snapshot_time"].unique().sort()


@lru_cache(maxsize=8)  # the same snapshot is asked for until the next one
def _chain(market: Market, snapshot_time: datetime) -> bytes:
    table = market.table("option_chain")
    times = table["snapshot_time"]
    start, end = times.search_sorted(snapshot_time, side="left"), times.search_sorted(snapshot_time, side="right")
    bid, ask, nothing = pl.col("bid_price_btc"), pl.col("ask_price_btc"), pl.lit(None, pl.Float64)
    rows = table.slice(start, end - start).select(
        high=nothing,
        low=nothing,
        last=nothing,
        instrument_name=pl.col("instrument_name"),
        interest_rate=pl.lit(0.0),
        bid_price=bid,
        ask_price=ask,
        open_interest=pl.col("open_interest_btc"),
        mark_price=pl.col("mark_price_btc"),
        creation_timestamp=pl.col("snapshot_time").dt.epoch("ms"),
        price_change=nothing,
        volume=pl.col("volume_btc"),
        mark_iv=pl.col("mark_iv"),
        underlying_price=pl.col("underlying_price"),
        # The future of the same expiry: the name without strike and type.
        underlying_index=pl.col("instrument_name").str.extract(r"^([^-]+-[^-]+)"),
        base_currency=pl.lit("BTC"),
        quote_currency=pl.lit("BTC"),
        estimated_delivery_price=pl.col("index_price"),
        volume_usd=(pl.col("volume_btc") * pl.col("mark_price_btc") * pl.col("underlying_price")).round(2),
        mid_price=((bid + ask) / 2).round(8),
    )
    # The envelope's times are the snapshot's, so that one snapshot is always the same bytes.
    before, after = bytes(_result([], snapshot_time).body).split(b"[]")
    return before + rows.write_json().encode() + after


def funding_rate_history(request: ProviderRequest) -> Response:
    """`get_funding_rate_history`: ascending, both ends included."""
    if request.params.get("instrument_name") != PERPETUAL:
        return _invalid("instrument_name", request)
    index = request.market.table("price_1h").filter(pl.col("market") == "spot").select("open_time", index_price="open")
    rows = (
        events(request, "funding", "deribit", "funding_time")
        .join_asof(index, left_on="funding_time", right_on="open_time")
        .with_columns(interest_1h=pl.col("rate") / pl.col("interval_hours"))
        .with_columns(
            timestamp=pl.col("funding_time").dt.epoch("ms"),
            interest_8h=pl.col("interest_1h").rolling_sum(8, min_samples=1),
            prev_index_price=pl.col("index_price").shift(1),
        )
    )
    page = between(rows, "funding_time", *_range(request)).head(FUNDING_ROWS)
    fields = ("timestamp", "index_price", "interest_8h", "interest_1h", "prev_index_price")
    return _result(page.select(fields).to_dicts(), request.clock)


def volatility_index_data(request: ProviderRequest) -> Response:
    """`get_volatility_index_data`: the newest page of the range, ascending; the cursor leads to the older one."""
    if request.params.get("currency") != "BTC":
        return _invalid("currency", request)
    if request.params.get("resolution") != "3600":
        return _invalid("resolution", request)
    hours = request.market.table("dvol_1h").filter(pl.col("time") + HOUR <= request.clock)
    rows = between(hours, "time", *_range(request))
    bars = [[milliseconds(time), *prices] for time, *prices in rows.tail(DVOL_ROWS).iter_rows()]
    continuation = milliseconds(rows["time"][-DVOL_ROWS - 1]) if len(rows) > DVOL_ROWS else None
    return _result({"data": bars, "continuation": continuation}, request.clock)


def _range(request: ProviderRequest) -> tuple[datetime | None, datetime | None]:
    return instant(request.params.get("start_timestamp")), instant(request.params.get("end_timestamp"))


def _result(result: object, clock: datetime) -> Response:
    return json_answer({"jsonrpc": "2.0", "result": result} | _times(clock))


def _invalid(parameter: str, request: ProviderRequest) -> Response:
    data = {"reason": f"invalid {parameter}", "param": parameter}
    error = {"message": "Invalid params", "data": data, "code": -32602}
    return json_answer({"jsonrpc": "2.0", "error": error, **_times(request.clock)}, 400)


def _times(clock: datetime) -> dict[str, object]:
    received = milliseconds(clock) * 1000
    return {"usIn": received, "usOut": received + 36, "usDiff": 36, "testnet": False}


ROUTES: dict[str, RouteHandler] = {
    "GET history.deribit.com/api/v2/public/get_last_trades_by_currency_and_time": option_trades,
    "GET www.deribit.com/api/v2/public/get_book_summary_by_currency": book_summary,
    "GET www.deribit.com/api/v2/public/get_funding_rate_history": funding_rate_history,
    "GET www.deribit.com/api/v2/public/get_volatility_index_data": volatility_index_data,
}
FED_BY: FedBy = {
    "deribit.future_summary": ("open_interest", "deribit"),
    "deribit.option_trade": None,
}
