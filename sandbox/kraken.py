"""Kraken's spot candles: the newest 720 bars, the running one last, prices as text, errors with status 200."""

from starlette.responses import Response

from sandbox.bars import DAY, Row, bars, milliseconds, turnover
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

PAIR, CANONICAL = "XBTUSD", "XXBTZUSD"
MOST_BARS = 720


def ohlc(request: ProviderRequest) -> Response:
    """`OHLC`: bars later than `since`, under the canonical name of the pair; `last` is the newest finished one."""
    if request.params.get("pair") != PAIR:
        return json_answer({"error": ["EQuery:Unknown asset pair"]})
    if request.params.get("interval") != "1440":
        return json_answer({"error": ["EGeneral:Invalid arguments"]})
    rows = list(bars(request, "kraken", "spot", DAY).tail(MOST_BARS).iter_rows(named=True))
    since = int(request.params.get("since", 0))
    page = [_bar(row) for row in rows if _opened(row) > since]
    last = max((_opened(row) for row in rows if row["is_closed"]), default=since)
    return json_answer({"error": [], "result": {CANONICAL: page, "last": last}})


def _opened(row: Row) -> int:
    return milliseconds(row["open_time"]) // 1000


def _bar(row: Row) -> list[object]:
    prices = (f"{row[name]:.1f}" for name in ("open", "high", "low", "close"))
    mean = turnover(row) / row["volume_btc"] if row["volume_btc"] else 0.0
    # The market tables do not count trades.
    return [_opened(row), *prices, f"{mean:.1f}", f"{row['volume_btc']:.8f}", 0]


ROUTES: dict[str, RouteHandler] = {"GET api.kraken.com/0/public/OHLC": ohlc}
FED_BY: FedBy = {"kraken.spot_candle_1d": ("price_1d", "kraken")}
