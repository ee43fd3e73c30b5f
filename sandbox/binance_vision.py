"""Binance's archive: zipped CSV files of a day or a month, each with its SHA-256 beside it.

Files are there when they would be: a day's at 08:00 of the next day, a month's on the first Monday of the next month.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta

import polars as pl
from starlette.responses import Response

from sandbox.bars import DAY, HOUR, Row, bars, events, milliseconds
from sandbox.binance import perp_texts, spot_texts
from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer

SYMBOL = "BTCUSDT"
KLINES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
FUNDING = "calc_time,funding_interval_hours,last_funding_rate"
METRICS = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
IN_MICROSECONDS = datetime(2025, 1, 1)  # spot files from then on
LABELS_MOVED = datetime(2026, 6, 25)  # metrics from then on are labelled five minutes earlier
NOT_THERE = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code></Error>'

Lines = Callable[[ProviderRequest, datetime, datetime], Iterable[str]]


def _file(lines: Lines, every: str) -> RouteHandler:
    def answer(request: ProviderRequest) -> Response:
        name, proof = request.path["file"].removesuffix(".CHECKSUM"), request.path["file"].endswith(".CHECKSUM")
        stem = name.removesuffix(".zip")
        try:
            start = datetime.strptime("-".join(stem.split("-")[2:]), "%Y-%m-%d" if every == "daily" else "%Y-%m")
        except ValueError:
            return text_answer(NOT_THERE, 404, media_type="application/xml")
        end = start + DAY if every == "daily" else _midnight((start + timedelta(days=31)).date().replace(day=1))
        there = end + 8 * HOUR if every == "daily" else end + timedelta(days=-end.weekday() % 7)
        content = list(lines(request, start, end)) if request.clock >= there else []
        if not content:
            return text_answer(NOT_THERE, 404, media_type="application/xml")
        body = packed(f"{stem}.csv", "\n".join(content) + "\n")
        if proof:
            return text_answer(f"{hashlib.sha256(body).hexdigest()}  {name}\n", media_type="binary/octet-stream")
        return Response(body, media_type="application/zip")

    return answer


def packed(member: str, content: str) -> bytes:
    """A zip with one file, the same bytes every time."""
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(member, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return opened.getvalue()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _klines(market: str, texts: Callable[[Row], tuple[str, ...]], period: timedelta) -> Lines:
    def lines(request: ProviderRequest, start: datetime, end: datetime) -> Iterable[str]:
        rows = bars(request, "binance", market, period).filter(pl.col("open_time").is_between(start, end, "left"))
        if market == "perp" and rows.height:
            yield KLINES
        scale = 1000 if market == "spot" and start >= IN_MICROSECONDS else 1
        for row in rows.iter_rows(named=True):
            *prices, quote, taker, taker_quote = texts(row)
            opened = milliseconds(row["open_time"])
            closed = (opened + period // timedelta(milliseconds=1)) * scale - 1
            yield ",".join((str(opened * scale), *prices, str(closed), quote, "0", taker, taker_quote, "0"))

    return lines


def _funding(request: ProviderRequest, start: datetime, end: datetime) -> Iterable[str]:
    rows = events(request, "funding", "binance", "funding_time")
    rows = rows.filter(pl.col("funding_time").is_between(start, end, "left"))
    if rows.height:
        yield FUNDING
    for row in rows.iter_rows(named=True):
        yield f"{milliseconds(row['funding_time'])},{row['interval_hours']},{row['rate']:.8f}"


def _metrics(request: ProviderRequest, start: datetime, end: datetime) -> Iterable[str]:
    """The market tables have no ratios: those cells are blank, as in the archive's own holes."""
    rows = events(request, "open_interest", "binance", "time").drop_nulls("oi_btc")
    rows = rows.filter((pl.col("time") > start) & (pl.col("time") <= end))
    if rows.height:
        yield METRICS
    earlier = timedelta(minutes=5) if start >= LABELS_MOVED else timedelta(0)
    for row in rows.iter_rows(named=True):
        value = "" if row["oi_usd"] is None else f"{row['oi_usd']:.8f}"
        yield f"{row['time'] - earlier:%Y-%m-%d %H:%M:%S},{SYMBOL},{row['oi_btc']:.8f},{value},,,,"


ROUTES: dict[str, RouteHandler] = {
    **{
        f"GET data.binance.vision/data/{path}/{every}/klines/{SYMBOL}/{name}/{{file}}": _file(
            _klines(market, texts, period), every
        )
        for path, market, texts in (("spot", "spot", spot_texts), ("futures/um", "perp", perp_texts))
        for name, period in (("1d", DAY), ("1h", HOUR))
        for every in ("daily", "monthly")
    },
    f"GET data.binance.vision/data/futures/um/monthly/fundingRate/{SYMBOL}/{{file}}": _file(_funding, "monthly"),
    f"GET data.binance.vision/data/futures/um/daily/metrics/{SYMBOL}/{{file}}": _file(_metrics, "daily"),
}
