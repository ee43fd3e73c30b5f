"""ECB reference rates: recorded files, odd ones, the stand-in over HTTP, and the dollar index made of them."""

import zipfile
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sandbox import ecb as stand_in
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed, Payload
from sources.ecb import CURRENCIES, DATASETS, read_reference_rate
from tests.unit.market_folder import write_table
from tests.unit.venue_market import asking

(RATE,) = DATASETS
HEADER = "KEY,CURRENCY,TIME_PERIOD,OBS_VALUE\n"


def read(body: bytes | str) -> Parsed:
    content = body.encode() if isinstance(body, str) else body
    fetched_at = datetime.fromisoformat("2026-11-01T00:20:00+00:00")
    return read_reference_rate(Payload("https://data-api.ecb.europa.eu/rates", {}, 200, {}, content, fetched_at))


def on(parsed: Parsed, day: date) -> dict[str, float]:
    return {currency: rate for when, currency, rate in parsed.rows.iter_rows() if when == day}


def test_the_recorded_history_and_the_file_of_the_newest_day_say_the_same(real: Path) -> None:
    recordings = real / "cases" / "recordings" / "ecb"
    history = read((recordings / "eurofxref-hist_head400_20261030.csv").read_bytes())
    newest = read((recordings / "eurofxref_20261030.csv").read_bytes())
    assert history.rejects == newest.rejects == ()
    assert set(history.rows["currency"]) == set(CURRENCIES)
    assert len(history.rows) % len(CURRENCIES) == 0
    assert on(newest, date(2026, 10, 30)) == on(history, date(2026, 10, 30)) == {
        "USD": 1.1172, "JPY": 175.68, "GBP": 0.8338, "CAD": 1.5606, "SEK": 10.978, "CHF": 0.9194,
    }  # fmt: skip


def test_a_holiday_is_no_row_and_other_rates_are_refused() -> None:
    holiday = read(HEADER + "EXR.D.USD.EUR.SP00.A,USD,2026-01-01,\nEXR.D.USD.EUR.SP00.A,USD,2026-01-02,1.17\n")
    assert holiday.rows["rate_date"].to_list() == [date(2026, 1, 2)]
    with pytest.raises(SourceError) as caught:
        read(HEADER + "EXR.M.USD.EUR.SP00.E,USD,2026-01,1.17\n")  # monthly ends
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize("rate", ["0.006", "17568", "x", "-1.1", "NaN"])
def test_a_rate_out_of_bounds_is_refused_alone(rate: str) -> None:
    line = "EXR.D.{0}.EUR.SP00.A,{0},2026-01-02,{1}\n"
    parsed = read(HEADER + line.format("USD", "1.17") + line.format("JPY", rate))
    assert parsed.rows["currency"].to_list() == ["USD"]
    assert len(parsed.rejects) == 1


def test_the_stand_in_shows_a_rate_from_three_in_the_afternoon_and_its_index_is_the_tables(tmp_path: Path) -> None:
    bar = {"series": "dxy", "high": 99.0, "low": 97.0, "close": 98.5}
    rows = [{**bar, "date": date(2026, 2, day), "open": index} for day, index in ((2, 98.0), (3, 97.5))]
    market = write_table(tmp_path, "macro_1d", rows)
    with asking(RATE, market, datetime(2026, 2, 3, 14, 59), stand_in.ROUTES) as (session, server):
        window = Window.of_dates(date(2026, 2, 3), date(2026, 2, 3))
        [page] = RATE.fetch(session, window)
    rates = on(RATE.read(page), date(2026, 2, 2))
    assert set(RATE.read(page).rows["rate_date"]) == {date(2026, 2, 2)}
    assert server.requests[0].params["startPeriod"] == "2026-01-27"
    assert dollar_index(rates) == pytest.approx(98.0, rel=1e-4)


def test_the_index_of_the_rates_moves_as_the_one_of_the_exchange_does(real: Path) -> None:
    """Against the closes of the exchange's index since 2020: what makes it fit for five-day rules and for no other."""
    with zipfile.ZipFile(real / "data/macro/ecb/eurofxref-hist_20261030.zip") as packed:
        parsed = read(packed.read(packed.namelist()[0]))
    assert parsed.rejects == ()
    wide = parsed.rows.filter(pl.col("rate_date") >= date(2019, 12, 1)).pivot("currency", index="rate_date")
    ours = {day: dollar_index(dict(zip(wide.columns[1:], rates, strict=True))) for day, *rates in wide.iter_rows()}
    closes = pl.read_parquet(real / "market/macro_1d.parquet").filter(pl.col("series") == "dxy").sort("date")
    both = [(ours[day], close) for day, close in closes.select("date", "close").iter_rows() if day in ours]
    theirs = np.array([close for _, close in both])
    computed = np.array([index for index, _ in both])
    assert len(both) > 1500
    assert abs(np.mean(computed / theirs - 1)) < 0.0002
    ours_5d, theirs_5d = computed[5:] / computed[:-5] - 1, theirs[5:] / theirs[:-5] - 1
    assert np.corrcoef(ours_5d, theirs_5d)[0, 1] > 0.88
    assert np.mean((ours_5d <= 0.01) == (theirs_5d <= 0.01)) > 0.91
    ours_1d, theirs_1d = computed[1:] / computed[:-1] - 1, theirs[1:] / theirs[:-1] - 1
    assert np.corrcoef(ours_1d, theirs_1d)[0, 1] < 0.7


def dollar_index(rates: dict[str, float]) -> float:
    index = 50.14348112 * rates["USD"] ** -0.576 * (rates["USD"] / rates["GBP"]) ** -0.119
    for currency, weight in {"JPY": 0.136, "CAD": 0.091, "SEK": 0.042, "CHF": 0.036}.items():
        index *= (rates[currency] / rates["USD"]) ** weight
    return index
