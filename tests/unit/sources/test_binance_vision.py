"""Binance's archive: files read to the row, changed labels and units found, traps refused, each file fetched once."""

import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from starlette.responses import Response

from sandbox import binance_vision as stand_in
from sandbox.binance_vision import packed
from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer
from sources.binance_vision import DATASETS, METRICS_HEADER, check
from sources.core.dataset import Dataset, Window
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed, Payload
from tests.unit.venue_market import HOUR, asking, bars, folder, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
FETCHED_AT = datetime(2026, 11, 1, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
METRICS = BY_NAME["metrics"]
HOURLY = BY_NAME["spot_candle_1h"]
OPENED = datetime(2025, 3, 1)


def zipped(member: str, lines: list[str], *, ending: str = "\n") -> bytes:
    return packed(member, ending.join(lines) + ending)


def payload(body: bytes, url: str = "https://data.binance.vision#saved-by-hand/file.zip") -> Payload:
    return Payload(url, {}, 200, {}, body, FETCHED_AT)


def read(dataset: Dataset, member: str, lines: list[str]) -> Parsed:
    return dataset.read(payload(zipped(member, lines)))


def failure_of(dataset: Dataset, sent: Payload) -> SourceError:
    with pytest.raises(SourceError) as caught:
        dataset.read(sent)
    return caught.value


def metric(label: datetime, value: float = 100.0, **changed: str) -> str:
    cells = {
        "create_time": f"{label:%Y-%m-%d %H:%M:%S}",
        "symbol": "BTCUSDT",
        "sum_open_interest": f"{value:.10f}",
        "sum_open_interest_value": f"{value * 70_000:.10f}",
        "count_toptrader_long_short_ratio": "1.50000000",
        "sum_toptrader_long_short_ratio": "1.25000000",
        "count_long_short_ratio": "1.75000000",
        "sum_taker_long_short_vol_ratio": "0.95000000",
    }
    return ",".join((cells | changed).values())


def day_of_metrics(first_label: datetime, count: int = 288) -> list[str]:
    return [metric(first_label + at * FIVE_MINUTES, 100 + at) for at in range(count)]


def bar(opened: datetime, *, scale: int = 1000, **changed: str) -> str:
    stamp = int(opened.replace(tzinfo=UTC).timestamp() * 1000)
    cells = {
        "open_time": str(stamp * scale),
        "open": "84000.0",
        "high": "84500.0",
        "low": "83900.0",
        "close": "84100.5",
        "volume": "1200.25",
        "close_time": str((stamp + 3_600_000) * scale - 1),
        "quote_volume": "101000000.0",
        "count": "5000",
        "taker_buy_volume": "600.125",
        "taker_buy_quote_volume": "50500000.0",
        "ignore": "0",
    }
    return ",".join((cells | changed).values())


# Recordings


def recorded(real: Path, name: str) -> list[str]:
    return (real / "fixtures" / "binance_vision" / f"{name}.csv").read_text().split()


def test_recorded_spot_lines_without_a_header_are_read_to_the_row(real: Path) -> None:
    lines = recorded(real, "spot_BTCUSDT-1h-2023-10-27_head")
    parsed = read(HOURLY, "BTCUSDT-1h-2023-10-27.csv", lines)
    assert parsed.rejects == ()
    assert parsed.rows.height == 3
    opened = datetime(2023, 10, 27)
    first = ("BTCUSDT", opened, 34151.66, 34171.28, 33972.39, 34015.27, 908.27901, 416.48838)
    assert parsed.rows.row(0) == first
    assert parsed.rows["open_time"].to_list() == [opened + at * HOUR for at in range(3)]


def test_recorded_microseconds_are_told_from_milliseconds_by_their_size(real: Path) -> None:
    # Another coin's seconds: only the first of them begins a bar of an hour, and that one at the very instant.
    lines = recorded(real, "spot_DOGEUSDT-1s-2025-01-01_head")
    parsed = read(HOURLY, "BTCUSDT-1h-2025-01-01.csv", lines)
    assert parsed.rows.select("open_time", "open_usd", "volume_btc").rows() == [(datetime(2025, 1, 1), 0.316, 27.0)]
    assert [reject.reason for reject in parsed.rejects] == ["open_time: does not begin a bar of 1:00:00"] * 2
    assert failure_of(HOURLY, payload(zipped("DOGEUSDT-1s-2025-01-01.csv", lines))).failure is Failure.CHANGED_LAYOUT


def test_recorded_coin_margined_bars_are_another_product_and_refused(real: Path) -> None:
    lines = recorded(real, "futures_cm_BTCUSD_PERP-1h-2023-10-27_head")
    error = failure_of(BY_NAME["perp_candle_1h"], payload(zipped("BTCUSD_PERP-1h-2023-10-27.csv", lines)))
    assert error.failure is Failure.CHANGED_LAYOUT
    assert "BTCUSD_PERP-1h-2023-10-27.csv; expected is one file like BTCUSDT-1h-YYYY-MM[-DD].csv" in error.what


# Lines


def test_a_header_may_be_there_or_not_and_name_its_columns_in_another_order() -> None:
    lines = [bar(OPENED, scale=1)]
    plain = read(BY_NAME["perp_candle_1h"], "BTCUSDT-1h-2025-03-01.csv", lines)
    headed = read(BY_NAME["perp_candle_1h"], "BTCUSDT-1h-2025-03-01.csv", [stand_in.KLINES, *lines])
    turned = [",".join([*line.split(",")[::-1], "new"]) for line in (stand_in.KLINES, *lines)]
    assert plain.rows.height == 1
    assert headed.rows.equals(plain.rows)
    assert read(BY_NAME["perp_candle_1h"], "BTCUSDT-1h-2025-03-01.csv", turned).rows.equals(plain.rows)


def test_lines_may_end_as_windows_ends_them_and_blank_ones_are_none() -> None:
    lines = [bar(OPENED), "", bar(OPENED + HOUR)]
    body = zipped("BTCUSDT-1h-2025-03-01.csv", lines, ending="\r\n")
    assert HOURLY.read(payload(body)).rows.equals(read(HOURLY, "BTCUSDT-1h-2025-03-01.csv", lines).rows)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (bar(OPENED, open="1e5x"), "open_usd: '1e5x' is no number"),
        (bar(OPENED, open="nan"), "open_usd: 'nan' is not finite"),
        (bar(OPENED, close=""), "close_usd: no value"),
        (bar(OPENED, low="0"), "low_usd: '0' is below 0.01"),
        (bar(OPENED, volume="-1"), "volume_btc: '-1' is below 0"),
        (bar(OPENED, high="84050"), "open_usd, close_usd: outside the bar's low and high"),
        (bar(OPENED + timedelta(minutes=30)), "open_time: does not begin a bar of 1:00:00"),
        (bar(OPENED - HOUR), "open_time: is of another day than the file"),
        (bar(OPENED, open_time="1740787200"), "open_time: '1740787200' is no time"),  # seconds
        (bar(OPENED, taker_buy_volume="x"), "taker_buy_btc: 'x' is no number"),
        (bar(OPENED, ignore="0,0"), "13 cells where 12 were expected"),
        (bar(OPENED).rpartition(",")[0], "11 cells where 12 were expected"),
        ('"' + bar(OPENED), "open_time: '\"1740787200000000' is no time"),
    ],
)
def test_a_line_that_cannot_be_believed_is_refused_and_the_others_load(line: str, reason: str) -> None:
    fine = [bar(OPENED + at * HOUR) for at in range(1, 3)]
    parsed = read(HOURLY, "BTCUSDT-1h-2025-03-01.csv", [fine[0], line, fine[1]])
    assert [(reject.reason, reject.text) for reject in parsed.rejects] == [(reason, line)]
    assert parsed.rows["open_time"].to_list() == [OPENED + HOUR, OPENED + 2 * HOUR]


def test_no_taker_buys_in_a_bar_that_traded_means_that_the_figure_is_missing() -> None:
    lines = [bar(OPENED, taker_buy_volume="0"), bar(OPENED + HOUR, taker_buy_volume="0.0", volume="0")]
    rows = read(HOURLY, "BTCUSDT-1h-2025-03-01.csv", lines).rows
    assert rows["taker_buy_btc"].to_list() == [None, 0.0]


def test_a_settlement_states_its_interval_and_is_stamped_to_the_minute() -> None:
    lines = [stand_in.FUNDING, "1740787200003,8,0.00010000", "1740801600000,4,-0.00002500"]
    parsed = read(BY_NAME["funding_rate"], "BTCUSDT-fundingRate-2025-03.csv", lines)
    assert parsed.rows.rows() == [
        ("BTCUSDT", datetime(2025, 3, 1), 0.0001, 8.0),
        ("BTCUSDT", datetime(2025, 3, 1, 4), -0.000025, 4.0),
    ]


# The label of the statistics


def moments(day: date, first_label: datetime, count: int = 288) -> list[datetime]:
    lines = [stand_in.METRICS, *day_of_metrics(first_label, count)]
    parsed = read(METRICS, f"BTCUSDT-metrics-{day}.csv", lines)
    assert parsed.rejects == ()
    return parsed.rows["observed_at"].to_list()


def test_a_file_of_statistics_runs_to_the_next_midnight_whichever_way_it_is_labelled() -> None:
    for day in (datetime(2026, 6, 24), datetime(2026, 6, 25), datetime(2026, 8, 1)):
        expected = [day + (at + 1) * FIVE_MINUTES for at in range(288)]
        assert moments(day.date(), day + FIVE_MINUTES) == expected  # labelled with the moment of the reading
        assert moments(day.date(), day) == expected  # labelled with the beginning of the five minutes


def test_a_file_whose_ends_are_missing_is_read_by_its_date() -> None:
    noon = timedelta(hours=12)
    assert moments(date(2026, 6, 24), datetime(2026, 6, 24) + noon, 3)[0] == datetime(2026, 6, 24, 12)
    assert moments(date(2026, 6, 25), datetime(2026, 6, 25) + noon, 3)[0] == datetime(2026, 6, 25, 12, 5)


def test_two_days_across_the_change_meet_without_a_gap_or_a_repeated_stamp() -> None:
    before = moments(date(2026, 6, 24), datetime(2026, 6, 24) + FIVE_MINUTES)
    after = moments(date(2026, 6, 25), datetime(2026, 6, 25))
    stamps = [*before, *after]
    assert len(set(stamps)) == 576
    assert {later - earlier for earlier, later in pairwise(stamps)} == {FIVE_MINUTES}


def test_a_file_that_could_be_labelled_either_way_is_refused_whole() -> None:
    day = datetime(2026, 6, 24)
    parsed = read(METRICS, "BTCUSDT-metrics-2026-06-24.csv", day_of_metrics(day, 289))
    assert parsed.rows.is_empty()
    assert len(parsed.rejects) == 289
    assert "both midnights" in parsed.rejects[0].reason


def test_statistics_keep_their_columns_and_a_blank_ratio_is_none() -> None:
    lines = [metric(datetime(2025, 3, 1, 0, 5), 101.5, count_long_short_ratio="")]
    parsed = read(METRICS, "BTCUSDT-metrics-2025-03-01.csv", lines)
    assert parsed.rows.row(0) == ("BTCUSDT", datetime(2025, 3, 1, 0, 5), 101.5, 7105000.0, 1.5, 1.25, None, 0.95)
    other = [metric(datetime(2025, 3, 1, 0, 5), symbol="ETHUSDT")]
    assert "symbol: is not BTCUSDT" in read(METRICS, "BTCUSDT-metrics-2025-03-01.csv", other).rejects[0].reason


# Traps


def crafted(entries: Mapping[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return opened.getvalue()


MEMBER = "BTCUSDT-1h-2025-03-01.csv"
LINE = bar(OPENED).encode()


def link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(MEMBER)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def encrypted() -> bytes:
    body = bytearray(crafted({MEMBER: LINE}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(signature) + offset] |= 1
    return bytes(body)


def broken() -> bytes:
    body = bytearray(crafted({MEMBER: LINE}, zipfile.ZIP_STORED))
    body[body.index(b"84000")] ^= 1
    return bytes(body)


def lying() -> bytes:
    """A megabyte of zeros that its header calls ten bytes long."""
    body = bytearray(crafted({MEMBER: b"0" * 1_000_000}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = body.index(signature) + offset
        body[at : at + 4] = (10).to_bytes(4, "little")
    return bytes(body)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (crafted({"../../" + MEMBER: LINE}), Failure.CHANGED_LAYOUT),
        (crafted({"/" + MEMBER: LINE}), Failure.CHANGED_LAYOUT),
        (crafted({MEMBER: LINE, "extra.csv": LINE}), Failure.CHANGED_LAYOUT),
        (crafted({MEMBER: LINE, zipfile.ZipInfo(MEMBER): LINE}), Failure.CHANGED_LAYOUT),
        (crafted({MEMBER + "/": b""}), Failure.CHANGED_LAYOUT),
        (crafted({"inner.zip": crafted({MEMBER: LINE})}), Failure.CHANGED_LAYOUT),
        (crafted({MEMBER: crafted({MEMBER: LINE})}), Failure.NOT_DATA),
        (crafted({}), Failure.CHANGED_LAYOUT),
        (crafted({link(): b"/etc/passwd"}), Failure.NOT_DATA),
        (crafted({MEMBER: LINE}, zipfile.ZIP_LZMA), Failure.NOT_DATA),
        (encrypted(), Failure.NOT_DATA),
        (broken(), Failure.NOT_DATA),
        (lying(), Failure.NOT_DATA),
        (crafted({MEMBER: LINE})[:-30], Failure.NOT_DATA),
        (crafted({MEMBER: b"0" * 60_000_000}), Failure.TOO_LARGE),
        (crafted({MEMBER: b"\xff\xfe"}), Failure.NOT_DATA),
        (crafted({MEMBER: b""}), Failure.NO_DATA),
        (crafted({MEMBER: b"a,b\n1,2"}), Failure.CHANGED_LAYOUT),
        (crafted({MEMBER: b"1,2\n3,4"}), Failure.CHANGED_LAYOUT),
        (crafted({"BTCUSDT-1h-2025-13-01.csv": LINE}), Failure.CHANGED_LAYOUT),
    ],
    ids=range(20),
)
def test_a_zip_that_is_not_what_it_should_be_gives_no_row(
    body: bytes, failure: Failure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert failure_of(HOURLY, payload(body)).failure is failure
    assert list(tmp_path.rglob("*")) == []


def test_a_zip_with_another_day_than_was_asked_for_is_refused() -> None:
    sent = payload(zipped(MEMBER, [bar(OPENED)]), "https://data.binance.vision/data/x/BTCUSDT-1h-2025-03-02.zip")
    assert "another file than was asked for" in failure_of(HOURLY, sent).what


def test_reading_many_together_gives_what_reading_each_gives() -> None:
    bodies = [
        zipped(f"BTCUSDT-1h-2025-03-{day:02}.csv", [*([stand_in.KLINES] if day % 3 else []), *lines])
        for day in range(1, 20)
        for lines in [[bar(datetime(2025, 3, day) + at * HOUR, open="x" if at == day else "84000") for at in range(24)]]
    ]
    turned = [",".join(line.split(",")[::-1]) for line in (stand_in.KLINES, bar(datetime(2025, 3, 20)))]
    sent = [payload(body) for body in (*bodies, zipped("BTCUSDT-1h-2025-03-20.csv", turned), *bodies)]
    sent.insert(7, payload(b"0" * 64, "https://data.binance.vision/data/x/BTCUSDT-1h-2025-03-02.zip.CHECKSUM"))
    assert HOURLY.read_together is not None
    together = HOURLY.read_together(sent)
    for each, alone in zip(together, map(HOURLY.read, sent), strict=True):
        assert each.rows.equals(alone.rows)
        assert each.rejects == alone.rejects
    assert sum(len(each.rejects) for each in together) == 2 * 19


# Fetching


def interest(first: datetime, count: int, step: timedelta = FIVE_MINUTES) -> list[tuple[object, ...]]:
    return [("binance", first + at * step, 1000.0 + at, 7e7 + at) for at in range(count)]


def paths(requests: list[object]) -> list[str]:
    return [request.path.rpartition("/")[2] for request in requests]


def test_a_file_is_asked_for_after_its_checksum_and_named_with_it(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": interest(datetime(2026, 1, 1, 0, 5), 3 * 288)})
    with asking(METRICS, market, datetime(2026, 1, 4, 12), stand_in.ROUTES) as (session, server):
        pages = list(METRICS.fetch(session, Window.of_dates(date(2026, 1, 1), date(2026, 1, 4))))
    assert paths(server.requests)[:2] == [
        "BTCUSDT-metrics-2026-01-01.zip.CHECKSUM",
        "BTCUSDT-metrics-2026-01-01.zip",
    ]
    assert len(server.requests) == 6  # the fourth day still runs
    assert [page.url.partition("#sha256=")[2] for page in pages] == [page.sha256 for page in pages]
    rows = pl.concat([METRICS.read(page).rows for page in pages])
    assert rows["observed_at"].to_list() == [datetime(2026, 1, 1) + (at + 1) * FIVE_MINUTES for at in range(864)]
    assert session.notes == []


def test_whole_months_come_in_one_file_and_the_days_after_them_in_their_own(tmp_path: Path) -> None:
    opened = datetime(2025, 12, 1)
    market = folder(tmp_path / "market", {"price_1h": bars("binance", "spot", opened, HOUR, 24 * 80)})
    with asking(HOURLY, market, datetime(2026, 2, 10, 12), stand_in.ROUTES) as (session, server):
        rows = rows_of(HOURLY, session, Window.of_dates(opened.date(), date(2026, 2, 10)))
    zips = [path for path in paths(server.requests) if path.endswith(".zip")]
    assert zips[:2] == ["BTCUSDT-1h-2025-12.zip", "BTCUSDT-1h-2026-01.zip"]
    assert zips[2:] == [f"BTCUSDT-1h-2026-02-{day:02}.zip" for day in range(1, 10)]
    assert rows["open_time"].to_list() == [opened + at * HOUR for at in range(24 * 71)]


def test_a_month_that_is_not_there_comes_in_days(tmp_path: Path) -> None:
    routes = {route: handler for route, handler in stand_in.ROUTES.items() if "/monthly/" not in route}
    market = folder(tmp_path / "market", {"price_1h": bars("binance", "spot", OPENED, HOUR, 24 * 31)})
    with asking(HOURLY, market, datetime(2025, 6, 1), routes) as (session, server):
        rows = rows_of(HOURLY, session, Window.of_dates(OPENED.date(), date(2025, 3, 31)))
    assert rows.height == 24 * 31
    assert paths(server.requests)[:2] == ["BTCUSDT-1h-2025-03.zip.CHECKSUM", "BTCUSDT-1h-2025-03.zip"]


def test_a_hole_is_noted_and_a_day_that_is_not_out_yet_is_not(tmp_path: Path) -> None:
    first, third = (interest(datetime(2026, 1, day, 0, 5), 280) for day in (1, 3))
    market = folder(tmp_path / "market", {"open_interest": first + third})
    with asking(METRICS, market, datetime(2026, 1, 5, 6), stand_in.ROUTES) as (session, _):
        pages = list(METRICS.fetch(session, Window.of_dates(date(2026, 1, 1), date(2026, 1, 5))))
    assert len(pages) == 2
    assert session.notes == ["no file of 2026-01-02"]


def test_an_archive_without_any_of_the_files_is_no_data(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": interest(datetime(2026, 1, 1), 288)})
    with (
        asking(METRICS, market, datetime(2026, 1, 5, 6), stand_in.ROUTES) as (session, _),
        pytest.raises(SourceError, match="2025-02-01 to 2025-02-03") as caught,
    ):
        list(METRICS.fetch(session, Window.of_dates(date(2025, 2, 1), date(2025, 2, 3))))
    assert caught.value.failure is Failure.NO_DATA


METRICS_ROUTE = "GET data.binance.vision/data/futures/um/daily/metrics/BTCUSDT/{file}"


def spoiling(change: RouteHandler) -> Mapping[str, RouteHandler]:
    """The archive's routes, where `change` may answer a request for statistics first; None for the true answer."""

    def answer(question: ProviderRequest) -> Response:
        return change(question) or stand_in.ROUTES[METRICS_ROUTE](question)

    return {METRICS_ROUTE: answer}


def test_a_file_without_a_checksum_is_read_and_noted_as_unverified(tmp_path: Path) -> None:
    def without(question: ProviderRequest) -> Response | None:
        return text_answer(stand_in.NOT_THERE, 404) if question.path["file"].endswith(".CHECKSUM") else None

    market = folder(tmp_path / "market", {"open_interest": interest(datetime(2026, 1, 1, 0, 5), 288)})
    with asking(METRICS, market, datetime(2026, 1, 3), spoiling(without)) as (session, _):
        [page] = METRICS.fetch(session, Window.of_dates(date(2026, 1, 1), date(2026, 1, 1)))
    assert METRICS.read(page).rows.height == 288
    assert session.notes == ["unverified, no checksum beside it: BTCUSDT-metrics-2026-01-01.zip"]


def test_a_file_that_differs_from_its_checksum_is_asked_for_again_and_never_read(tmp_path: Path) -> None:
    other = hashlib.sha256(b"another file").hexdigest()

    def wrong(question: ProviderRequest) -> Response | None:
        return text_answer(f"{other}  {question.path['file']}") if question.path["file"].endswith("SUM") else None

    market = folder(tmp_path / "market", {"open_interest": interest(datetime(2026, 1, 1, 0, 5), 288)})
    with (
        asking(METRICS, market, datetime(2026, 1, 3), spoiling(wrong)) as (session, server),
        pytest.raises(SourceError, match="does not have the SHA-256") as caught,
    ):
        list(METRICS.fetch(session, Window.of_dates(date(2026, 1, 1), date(2026, 1, 1))))
    assert caught.value.failure is Failure.OUTAGE
    assert len([path for path in paths(server.requests) if path.endswith(".zip")]) == 3
    named = f"https://data.binance.vision/data/x/BTCUSDT-metrics-2026-01-01.zip#sha256={other}"
    with pytest.raises(SourceError):  # nor when it is read again from its landing file
        check(payload(zipped("BTCUSDT-metrics-2026-01-01.csv", day_of_metrics(datetime(2026, 1, 1, 0, 5))), named))


def test_a_checksum_that_is_none_is_a_changed_layout(tmp_path: Path) -> None:
    def wrong(question: ProviderRequest) -> Response | None:
        return text_answer("see elsewhere") if question.path["file"].endswith("SUM") else None

    market = folder(tmp_path / "market", {"open_interest": interest(datetime(2026, 1, 1, 0, 5), 288)})
    with (
        asking(METRICS, market, datetime(2026, 1, 3), spoiling(wrong)) as (session, _),
        pytest.raises(SourceError, match="holds no SHA-256") as caught,
    ):
        list(METRICS.fetch(session, Window.of_dates(date(2026, 1, 1), date(2026, 1, 1))))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_settlements_come_by_the_month_even_for_a_few_days(tmp_path: Path) -> None:
    rates = [("binance", datetime(2025, 12, 1) + at * 8 * HOUR, at / 1e6, 8) for at in range(200)]
    market = folder(tmp_path / "market", {"funding": rates})
    funding = BY_NAME["funding_rate"]
    with asking(funding, market, datetime(2026, 1, 20), stand_in.ROUTES) as (session, server):
        rows = rows_of(funding, session, Window.of_dates(date(2026, 1, 15), date(2026, 1, 20)))
    assert paths(server.requests) == ["BTCUSDT-fundingRate-2025-12.zip.CHECKSUM", "BTCUSDT-fundingRate-2025-12.zip"]
    assert rows["funding_rate"].to_list() == [at / 1e6 for at in range(93)]


# The stand-in's encoder


def test_the_stand_in_writes_what_was_recorded(real: Path, tmp_path: Path) -> None:
    lines = recorded(real, "spot_BTCUSDT-1h-2023-10-27_head")
    rows = read(HOURLY, "BTCUSDT-1h-2023-10-27.csv", lines).rows
    table = rows.select(
        pl.lit("binance").alias("venue"),
        pl.lit("spot").alias("market"),
        "open_time",
        *(pl.col(f"{side}_usd").alias(side) for side in ("open", "high", "low", "close")),
        "volume_btc",
        "taker_buy_btc",
    )
    market = folder(tmp_path / "market", {"price_1h": table})
    with asking(HOURLY, market, datetime(2023, 10, 29), stand_in.ROUTES) as (session, _):
        [page] = HOURLY.fetch(session, Window.of_dates(date(2023, 10, 27), date(2023, 10, 27)))
    with zipfile.ZipFile(io.BytesIO(page.body)) as archive:
        written = archive.read("BTCUSDT-1h-2023-10-27.csv").decode().split()
    kept = (0, 1, 2, 3, 4, 5, 6, 9, 11)  # the market tables count no trades and have no quote volume
    assert [[line.split(",")[at] for at in kept] for line in written] == [
        [line.split(",")[at] for at in kept] for line in lines
    ]


def test_the_stand_in_names_the_columns_of_statistics_as_they_are_catalogued() -> None:
    assert tuple(stand_in.METRICS.split(",")) == METRICS_HEADER
