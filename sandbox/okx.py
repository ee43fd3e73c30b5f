"""OKX's wire formats: candles, settled funding and open interest, newest first, everything as text."""

from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl
from starlette.responses import Response

from sandbox.bars import DAY, HOUR, Row, bars, events, instant, milliseconds, newest_first, plain, turnover
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

MARKETS = {"BTC-USDT": "spot", "BTC-USDT-SWAP": "perp"}
SWAP = "BTC-USDT-SWAP"
BARS = {"1H": HOUR, "1Dutc": DAY}
CONTRACT_BTC = 0.01
RECENT_BARS = 1440
FUNDING_DEPTH = timedelta(days=92)  # "three months"


def _envelope(data: list[object], code: str = "0", message: str = "") -> Response:
    return json_answer({"code": code, "msg": message, "data": data})


def _unknown_instrument() -> Response:
    return _envelope([], "51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")


def _page(rows: pl.DataFrame, time: str, request: ProviderRequest, default: int, most: int) -> list[Row]:
    """Rows older than `after` and newer than `before`, newest first."""
    older, newer = (instant(request.params.get(name)) for name in ("after", "before"))
    rows = rows if older is None else rows.filter(pl.col(time) < older)
    rows = rows if newer is None else rows.filter(pl.col(time) > newer)
    return list(newest_first(rows, min(int(request.params.get("limit", default)), most)))


def _candles(default: int, depth: int | None) -> RouteHandler:
    def answer(request: ProviderRequest) -> Response:
        market = MARKETS.get(request.params.get("instId", ""))
        period = BARS.get(request.params.get("bar", ""))
        if market is None:
            return _unknown_instrument()
        if period is None:
            return _envelope([], "51000", "Parameter bar error")
        rows = bars(request, "okx", market, period)
        if depth is not None:
            rows = rows.filter(pl.col("open_time") > request.clock - depth * period)
        return _envelope([_candle(row, market) for row in _page(rows, "open_time", request, default, 300)])

    return answer


def _candle(row: Row, market: str) -> list[str]:
    quote = plain(turnover(row), 9)
    # Spot counts base coin and then quote coin; a swap counts contracts and then base coin.
    base = plain(row["volume_btc"], 8)
    volumes = (base, quote) if market == "spot" else (plain(row["volume_btc"] / CONTRACT_BTC, 8), base)
    prices = (plain(row[name], 8) for name in ("open", "high", "low", "close"))
    return [str(milliseconds(row["open_time"])), *prices, *volumes, quote, str(int(row["is_closed"]))]


def funding_rate_history(request: ProviderRequest) -> Response:
    """`funding-rate-history`: settled rates of the last three months."""
    if request.params.get("instId") != SWAP:
        return _unknown_instrument()
    rows = events(request, "funding", "okx", "funding_time")
    rows = rows.filter(pl.col("funding_time") > request.clock - FUNDING_DEPTH)
    return _envelope([_settlement(row) for row in _page(rows, "funding_time", request, 400, 400)])


def _settlement(row: Row) -> dict[str, str]:
    return {
        "formulaType": "withRate",
        "fundingRate": f"{row['rate']:.16f}",
        "fundingTime": str(milliseconds(row["funding_time"])),
        "instId": SWAP,
        "instType": "SWAP",
        "method": "current_period",
        "realizedRate": f"{row['rate']:.16f}",
    }


def open_interest(request: ProviderRequest) -> Response:
    """`open-interest`: the newest reading at the clock, in contracts, coin and dollars."""
    if request.params.get("instType") == "OPTION":
        return _options(request, lambda row: {"oi": plain(row["open_interest_btc"] / CONTRACT_BTC, 12),
                                              "oiCcy": plain(row["open_interest_btc"], 14)})  # fmt: skip
    if request.params.get("instId") != SWAP:
        return _unknown_instrument()
    newest = events(request, "open_interest", "okx", "time").drop_nulls("oi_btc").tail(1)
    return _envelope(
        [
            {
                "instId": SWAP,
                "instType": "SWAP",
                "oi": plain(row["oi_btc"] / CONTRACT_BTC, 12),
                "oiCcy": plain(row["oi_btc"], 14),
                "oiUsd": "" if row["oi_usd"] is None else plain(row["oi_usd"], 12),
                "ts": str(milliseconds(row["time"])),
            }
            for row in newest.iter_rows(named=True)
        ]
    )


def option_summary(request: ProviderRequest) -> Response:
    """`opt-summary`: the newest snapshot at the clock, of another exchange's chain, volatilities as fractions."""
    return _options(
        request,
        lambda row: {"fwdPx": plain(row["underlying_price"], 10), "markVol": plain(row["mark_iv"] / 100, 10),
                     "bidVol": "", "askVol": "", "uly": "BTC-USD"},
    )  # fmt: skip


def _options(request: ProviderRequest, figures: Callable[[Row], dict[str, str]]) -> Response:
    if request.params.get("instFamily") != "BTC-USD":
        return _envelope([], "51000", "Parameter instFamily error")
    table = request.market.table("option_chain").filter(pl.col("snapshot_time") <= request.clock)
    newest = table.filter(pl.col("snapshot_time") == pl.col("snapshot_time").max())
    rows = newest.sort("instrument_name").iter_rows(named=True)
    return _envelope([{**_option(row), **figures(row)} for row in rows])


def _option(row: Row) -> dict[str, str]:
    """The exchange's own name of an option, `BTC-USD-260327-80000-C`, and its stamp."""
    _, expiry, strike, kind = row["instrument_name"].split("-")
    name = f"BTC-USD-{datetime.strptime(expiry, '%d%b%y'):%y%m%d}-{strike}-{kind}"
    return {"instId": name, "instType": "OPTION", "ts": str(milliseconds(row["snapshot_time"]))}


def liquidation_orders(request: ProviderRequest) -> Response:
    """`liquidation-orders`: the last day; the tables know sums of an hour, so each is one order at the hour's price."""
    prices = request.market.table("price_1h").select("open_time", "close")
    table = request.market.table("liquidations_1h").filter(pl.col("venue") == "okx")
    hours = table.filter(pl.col("hour").is_between(request.clock - DAY, request.clock - HOUR, closed="right"))
    priced = hours.join_asof(prices, left_on="hour", right_on="open_time").drop_nulls("close")
    page = _page(priced, "hour", request, 100, 100)
    details = [_order(row, side) for row in page for side in ("long", "short") if row[f"{side}_usd"]]
    group = {"details": details, "instFamily": "BTC-USDT", "instId": SWAP, "instType": "SWAP", "uly": "BTC-USDT"}
    return _envelope([group] if details else [])


def _order(row: Row, side: str) -> dict[str, str]:
    return {
        "bkLoss": "0",
        "bkPx": plain(row["close"], 8),
        "ccy": "",
        "posSide": side,
        "side": "sell" if side == "long" else "buy",
        "sz": plain(row[f"{side}_usd"] / row["close"] / CONTRACT_BTC, 12),
        "ts": str(milliseconds(row["hour"])),
    }


ROUTES: dict[str, RouteHandler] = {
    "GET www.okx.com/api/v5/market/candles": _candles(100, RECENT_BARS),
    "GET www.okx.com/api/v5/market/history-candles": _candles(100, None),
    "GET www.okx.com/api/v5/public/funding-rate-history": funding_rate_history,
    "GET www.okx.com/api/v5/public/open-interest": open_interest,
    "GET www.okx.com/api/v5/public/liquidation-orders": liquidation_orders,
    "GET www.okx.com/api/v5/public/opt-summary": option_summary,
}
FED_BY: FedBy = {
    "okx.liquidation": ("liquidations_1h", "okx"),
    # The tables hold one exchange's chain, which is not OKX's.
    "okx.option_open_interest": None,
    "okx.option_summary": None,
}
