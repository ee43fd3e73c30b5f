"""The bundled scenario tells the article's story: each figure is read back from the tables by a second, simple way."""

import math
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.special import ndtr

from sandbox.market import TABLES, TIME_COLUMN, Market
from sandbox.scenario import NAME, Ending, generate

FIFTH, SIXTH = date(2026, 2, 5), date(2026, 2, 6)
LEVEL = 70_000.0


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Ending, Path]:
    made = {}
    for ending in Ending:
        made[ending] = tmp_path_factory.mktemp(ending)
        generate(made[ending], ending=ending)
    return made


@pytest.fixture(scope="module")
def market(folders: dict[Ending, Path]) -> Market:
    return Market(folders[Ending.ARTICLE])


def bar(market: Market, day: date, venue: str = "binance", kind: str = "spot") -> dict[str, float]:
    days = market.table("price_1d").filter(pl.col("venue") == venue, pl.col("market") == kind)
    return days.row(by_predicate=pl.col("open_time").dt.date() == day, named=True)


def of_day(table: pl.DataFrame, column: str, day: date) -> pl.DataFrame:
    return table.filter(pl.col(column).dt.date() == day)


# --- form ---


def test_every_table_is_there_with_the_declared_columns_in_utc(folders: dict[Ending, Path]) -> None:
    for name, declared in TABLES.items():
        stored = pl.read_parquet(folders[Ending.ARTICLE] / f"{name}.parquet")
        in_utc = {
            column: pl.Datetime("us", "UTC") if isinstance(dtype, pl.Datetime) else dtype
            for column, dtype in declared.items()
        }
        assert dict(stored.schema) == in_utc, name
        assert stored[TIME_COLUMN[name]].is_sorted(), name


def test_the_same_bytes_come_out_each_time(folders: dict[Ending, Path], tmp_path: Path) -> None:
    generate(tmp_path)
    again = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert again == {file.name: file.read_bytes() for file in folders[Ending.ARTICLE].iterdir()}


def test_the_folder_says_that_it_is_simulated_and_stays_small(folders: dict[Ending, Path]) -> None:
    folder = folders[Ending.ARTICLE]
    assert "simulated" in NAME
    assert NAME in (folder / "ORIGIN.txt").read_text()
    assert sum(file.stat().st_size for file in folder.iterdir()) < 10e6


@pytest.mark.parametrize("ending", [Ending.CONFIRMING, Ending.REFUTING])
def test_an_ending_begins_with_exactly_the_article(folders: dict[Ending, Path], ending: Ending) -> None:
    for name, column in TIME_COLUMN.items():
        short = pl.read_parquet(folders[Ending.ARTICLE] / f"{name}.parquet")
        # A flow is part of the scenario from its publication on, not from its date.
        by = "published_at" if name == "etf_flow" else column
        long = pl.read_parquet(folders[ending] / f"{name}.parquet").filter(pl.col(by) <= short[by].max())
        assert_frame_equal(short, long)


def test_no_number_is_missing_where_one_belongs_or_not_a_number(market: Market) -> None:
    may_be_null = {"taker_buy_btc", "oi_btc", "bid_price_btc", "open", "high", "low"}
    for name in TABLES:
        table = market.table(name)
        nulls = {column for column, count in table.null_count().row(0, named=True).items() if count}
        assert nulls <= may_be_null, name
        floats = table.select(pl.selectors.float())
        assert floats.select(pl.all().is_nan().any()).sum_horizontal().item() == 0, name


# --- price ---


def test_the_two_golden_days_have_the_articles_prices(market: Market) -> None:
    fifth, sixth = bar(market, FIFTH), bar(market, SIXTH)
    assert (fifth["open"], fifth["close"]) == (73_100, 62_600)
    assert (sixth["open"], sixth["low"], sixth["high"], sixth["close"]) == (62_600, 60_000, 71_422, 69_950)
    assert round((sixth["close"] / sixth["open"] - 1) * 100) == 12
    assert round((sixth["close"] / sixth["low"] - 1) * 100) == 17


def test_three_separate_hours_test_the_high_and_fail(market: Market) -> None:
    hours = of_day(market.table("price_1h"), "open_time", SIXTH).filter(pl.col("venue") == "binance")
    tests = hours.filter(pl.col("high") > 71_300)
    assert tests.height == 3
    assert all(later - earlier > timedelta(hours=1) for earlier, later in pairwise(tests["open_time"]))
    assert tests["close"].max() < 71_000


def test_the_median_of_the_spot_venues_is_the_anchored_bar(market: Market) -> None:
    spot = of_day(market.table("price_1d"), "open_time", SIXTH).filter(pl.col("market") == "spot")
    assert spot.height == 3
    assert spot.select(pl.col("open", "high", "low", "close").median()).row(0) == (62_600, 71_422, 60_000, 69_950)


def test_days_are_the_sum_of_their_hours(market: Market) -> None:
    summed = (
        market.table("price_1h")
        .group_by("venue", "market", pl.col("open_time").dt.truncate("1d"), maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume_btc").sum(),
            pl.col("taker_buy_btc").sum(),
        )
    )
    keys = ["venue", "market", "open_time"]
    both = summed.join(market.table("price_1d"), on=keys, suffix="_day")
    assert both.height == summed.height
    for column in ("open", "high", "low", "close", "volume_btc"):
        assert (both[column] - both[f"{column}_day"]).abs().max() < 0.01, column


def test_bars_are_possible(market: Market) -> None:
    for name in ("price_1h", "price_1d"):
        bars = market.table(name)
        inside = pl.all_horizontal(
            pl.col("low") <= pl.min_horizontal("open", "close"), pl.col("high") >= pl.max_horizontal("open", "close")
        )
        assert bars.select(inside.all()).item(), name
        assert bars.select((pl.col("taker_buy_btc") <= pl.col("volume_btc")).all()).item(), name


def test_the_history_peaks_in_october_and_is_mostly_quiet(market: Market) -> None:
    days = market.table("price_1d").filter(pl.col("venue") == "binance", pl.col("market") == "spot")
    peak = days.row(int(np.argmax(days["high"])), named=True)
    assert 123_000 < peak["high"] < 127_000
    assert (peak["open_time"].year, peak["open_time"].month) == (2025, 10)
    sharp = days.filter(pl.col("close") / pl.col("open") < 0.95)["open_time"].dt.date().to_list()
    assert sharp == [date(2025, 10, 10), FIFTH]
    before = days.filter(pl.col("open_time").is_between(datetime(2026, 1, 6), datetime(2026, 2, 4)))
    assert (before["close"] / before["open"] - 1).std() < 0.04


# --- derivatives and leverage ---


def test_funding_is_below_zero_on_every_venue_from_the_fourth_to_the_sixth(market: Market) -> None:
    days = (
        market.table("funding")
        .group_by("venue", pl.col("funding_time").dt.date().alias("day"))
        .agg((pl.col("rate").sum() / pl.col("interval_hours").sum() * 8 * 100).alias("pct"))
    )
    golden = days.filter(pl.col("day").is_between(date(2026, 2, 4), SIXTH))
    assert golden.height == 4 * 3
    assert golden["pct"].max() < -0.003
    assert days.group_by("venue").agg((pl.col("pct") > 0).mean())["pct"].min() > 0.9


def test_open_interest_falls_from_61_to_49_billion_in_the_week(market: Market) -> None:
    aggregate = market.table("open_interest").filter(pl.col("venue") == "aggregate")
    by_day = dict(zip(aggregate["time"].dt.date(), aggregate["oi_usd"] / 1e9, strict=True))
    assert by_day[date(2026, 1, 29)] == pytest.approx(61)
    assert by_day[FIFTH] == pytest.approx(49)
    assert by_day[FIFTH] / by_day[date(2026, 2, 2)] < 0.92
    change = {day: (by_day[day] / by_day[day - timedelta(days=7)] - 1) * 100 for day in (SIXTH, date(2026, 1, 30))}
    assert change[SIXTH] < change[date(2026, 1, 30)] - 3


def test_the_venues_own_open_interest_falls_in_coins_too(market: Market) -> None:
    own = (
        market.table("open_interest")
        .filter(pl.col("venue") != "aggregate")
        .group_by("venue", pl.col("time").dt.date().alias("day"), maintain_order=True)
        .agg(pl.col("oi_btc").last())
        .group_by("day")
        .agg(pl.col("oi_btc").sum())
    )
    btc = dict(own.iter_rows())
    weeks = [(btc[day] / btc[day - timedelta(days=7)] - 1) * 100 for day in (date(2026, 1, 30), SIXTH)]
    assert weeks[1] < weeks[0] - 3


def test_about_a_billion_is_liquidated_on_the_fifth_most_of_it_long(market: Market) -> None:
    days = (
        market.table("liquidations_1h")
        .group_by(pl.col("hour").dt.date().alias("day"))
        .agg(pl.col("long_usd", "short_usd").sum())
    )
    fifth = days.row(by_predicate=pl.col("day") == FIFTH, named=True)
    assert fifth["long_usd"] + fifth["short_usd"] == pytest.approx(1e9, rel=0.02)
    assert fifth["long_usd"] > 0.8e9
    assert (days["long_usd"] < fifth["long_usd"]).mean() > 0.99


# --- options ---


def volatility(market: Market, day: date, tenor_days: float) -> tuple[float, float]:
    """Risk reversal and at-the-money volatility of the day's last chain: plain deltas, variance straight in time."""
    chain = market.table("option_chain").filter(
        pl.col("snapshot_time") == datetime(day.year, day.month, day.day, 23, 50)
    )
    read = []
    for (snapshot, expiry), quotes in chain.group_by("snapshot_time", "expiry", maintain_order=True):
        days = (expiry - snapshot) / timedelta(days=1)
        forward = quotes["underlying_price"][0]
        out_of_the_money = quotes.filter((pl.col("option_type") == "C") == (pl.col("strike") >= forward)).sort("strike")
        strike, iv = out_of_the_money["strike"].to_numpy(), out_of_the_money["mark_iv"].to_numpy()
        deviation = iv / 100 * math.sqrt(days / 365)
        delta = ndtr(np.log(forward / strike) / deviation + deviation / 2)
        if days >= 2:
            read.append((days, *np.interp([0.25, 0.75, 0.5], delta[::-1], iv[::-1])))
    days, *points = np.array(sorted(read)).T
    call, put, middle = (math.sqrt(np.interp(tenor_days, days, iv**2 * days) / tenor_days) for iv in points)
    return call - put, middle


def test_short_dated_skew_is_about_minus_thirteen_and_the_term_structure_inverted(market: Market) -> None:
    for day in (FIFTH, SIXTH):
        skew_7d, volatility_7d = volatility(market, day, 7)
        assert round(skew_7d) == -13
        assert volatility_7d > volatility(market, day, 90)[1] + 15
    assert -10.5 < volatility(market, FIFTH, 30)[0] < -10
    assert -10 < volatility(market, SIXTH, 30)[0] < -9
    skew_before, volatility_before = volatility(market, date(2025, 7, 14), 7)
    assert abs(skew_before) < 4
    assert volatility_before < volatility(market, date(2025, 7, 14), 90)[1]


def test_every_daily_chain_brackets_the_tenors_and_reaches_the_wings(market: Market) -> None:
    chain = market.table("option_chain").filter(pl.col("snapshot_time").dt.hour() == 23)
    days = (pl.col("expiry") - pl.col("snapshot_time")).dt.total_hours() / 24
    per_chain = chain.group_by("snapshot_time").agg(
        days.filter(days >= 2).min().alias("nearest"),
        days.max().alias("farthest"),
        pl.col("strike").min().alias("lowest"),
    )
    assert per_chain["nearest"].max() <= 7
    assert per_chain["farthest"].min() >= 180
    assert per_chain["lowest"].max() <= 40_000
    assert per_chain.height == (date(2026, 2, 10) - date(2024, 11, 1)).days + 1


def test_marks_leave_no_free_butterfly(market: Market) -> None:
    calls = market.table("option_chain").filter(pl.col("option_type") == "C").sort("snapshot_time", "expiry", "strike")
    chain = ["snapshot_time", "expiry"]
    usd = pl.col("mark_price_btc") * pl.col("underlying_price")
    slope = (usd.diff() / pl.col("strike").diff()).over(chain)
    bend = calls.with_columns(slope.alias("slope")).select(pl.col("slope").diff().over(chain))
    assert bend["slope"].min() > -2e-4  # rounding of marks


def test_marks_are_black_76_on_the_marked_volatility(market: Market) -> None:
    rows = market.table("option_chain").filter(pl.col("snapshot_time") == datetime(2026, 2, 6, 11, 50))
    years = (rows["expiry"] - rows["snapshot_time"]).dt.total_seconds().to_numpy() / 86_400 / 365
    forward, strike = rows["underlying_price"].to_numpy(), rows["strike"].to_numpy()
    deviation = rows["mark_iv"].to_numpy() / 100 * np.sqrt(years)
    d1 = np.log(forward / strike) / deviation + deviation / 2
    sign = np.where(rows["option_type"].to_numpy() == "C", 1, -1)
    price = sign * (ndtr(sign * d1) - strike / forward * ndtr(sign * (d1 - deviation)))
    assert np.abs(price - rows["mark_price_btc"].to_numpy()).max() < 2e-7


def test_puts_of_27_february_are_piled_up_at_60_to_50_thousand(market: Market) -> None:
    chain = market.table("option_chain").filter(
        pl.col("snapshot_time") == datetime(2026, 2, 6, 23, 50), pl.col("expiry") == datetime(2026, 2, 27, 8)
    )
    puts, calls = (chain.filter(pl.col("option_type") == side) for side in "PC")
    below = pl.col("strike") < LEVEL
    puts_below = puts.filter(below)["open_interest_btc"].sum()
    piled = puts.filter(pl.col("strike").is_between(50_000, 60_000))["open_interest_btc"].sum()
    assert piled / puts_below > 0.7
    assert puts_below / puts["open_interest_btc"].sum() > 0.5
    assert puts_below > calls.filter(below)["open_interest_btc"].sum()


# --- flows ---


def settled_totals(market: Market) -> dict[date, float]:
    settled = market.table("etf_flow").sort("published_at").group_by("date", "fund").last()
    return dict(settled.group_by("date").agg(pl.col("flow_usd_m").sum().round(1)).iter_rows())


def test_fund_flows_add_up_to_the_articles_totals(market: Market) -> None:
    totals = settled_totals(market)
    assert totals[date(2026, 2, 4)] == -544.9
    assert totals[FIFTH] == -434.1
    assert totals[SIXTH] == 371.1
    assert sum(total for day, total in totals.items() if date(2026, 2, 1) <= day <= FIFTH) == pytest.approx(-689.2)


def test_flows_stand_on_the_page_the_morning_after_ibit_sometimes_late_and_some_are_corrected(market: Market) -> None:
    flows = market.table("etf_flow").with_columns(lag=pl.col("published_at") - pl.col("date").cast(pl.Datetime("us")))
    assert flows["lag"].min() > timedelta(days=1, hours=1)  # nothing before the cut-off of its own date
    assert flows["lag"].max() < timedelta(days=1, hours=12)
    late = flows.filter(pl.col("lag") > timedelta(days=1, hours=10))
    assert set(late["fund"]) == {"IBIT"}
    assert 20 < late.height < 100
    versions = flows.group_by("date", "fund").len()
    assert 5 < versions.filter(pl.col("len") == 2).height < 40
    assert versions["len"].max() == 2


def test_funds_report_on_trading_dates_only(market: Market) -> None:
    dates = set(market.table("etf_flow")["date"])
    assert not {day for day in dates if day.weekday() >= 5}
    assert not dates & {date(2024, 11, 28), date(2025, 1, 9), date(2025, 7, 4), date(2026, 1, 19)}
    assert {date(2025, 10, 13), SIXTH} <= dates


# --- chain and mining ---


def test_realised_losses_are_above_1_26_billion_and_rising(market: Market) -> None:
    chain = market.table("onchain_1d").with_columns(mean=pl.col("realized_loss_usd").rolling_mean(7))
    mean = dict(chain.select("date", "mean").iter_rows())
    loss = dict(chain.select("date", "realized_loss_usd").iter_rows())
    assert 1.26e9 < mean[date(2026, 2, 4)] < mean[FIFTH] < mean[SIXTH]
    assert loss[FIFTH] == max(loss.values())


def test_cost_basis_and_realised_cap_are_one_book(market: Market) -> None:
    chain = market.table("onchain_1d")
    book = market.table("cost_basis").with_columns(
        cap=pl.col("supply_btc") * (pl.col("price_low_usd") + pl.col("price_high_usd")) / 2
    )
    both = book.group_by("date").agg(pl.col("cap", "supply_btc").sum()).join(chain, on="date", suffix="_chain")
    assert both.height == chain.height
    assert (both["cap"] / both["realized_cap_usd"] - 1).abs().max() < 1e-4
    assert (both["supply_btc"] / both["supply_btc_chain"] - 1).abs().max() < 1e-4
    assert (chain["market_cap_usd"] / chain["mvrv"] / chain["realized_cap_usd"] - 1).abs().max() < 1e-4


def test_the_densest_band_is_the_absorption_cluster(market: Market) -> None:
    book = market.table("cost_basis").filter(
        pl.col("date") == FIFTH, pl.col("price_low_usd").is_between(64_000, 95_000)
    )
    dense = book.filter(pl.col("supply_btc") >= 0.85 * pl.col("supply_btc").max())
    # Bins of 500 USD: the cluster 66 900 - 70 600 fills these.
    assert (dense["price_low_usd"].min(), dense["price_high_usd"].max()) == (67_000, 70_500)
    assert dense.height == 7


def hashprice(market: Market) -> dict[date, float]:
    chain = market.table("onchain_1d")
    revenue_btc = 3.125 + pl.col("fees_btc") / pl.col("block_count")
    per_ph = 1e15 * 86_400 / (pl.col("difficulty") * 2**32) * revenue_btc * pl.col("price_usd")
    return dict(chain.select("date", per_ph).iter_rows())


def test_hashprice_falls_below_32_a_record_low(market: Market) -> None:
    values = hashprice(market)
    assert values[FIFTH] < 32
    assert values[SIXTH] < 32
    assert values[FIFTH] == min(values.values())
    assert min(value for day, value in values.items() if day < date(2026, 2, 1)) > 30


def test_miners_are_under_stress_for_three_readings(market: Market) -> None:
    price = list(hashprice(market).values())
    power = market.table("onchain_1d")["hashrate_ehs"].to_list()

    def week(values: list[float], end: int) -> float:
        return sum(values[end - 6 : end + 1]) / 7

    first = market.table("onchain_1d")["date"][0]
    for day in (date(2026, 2, 3), date(2026, 2, 4), FIFTH, SIXTH):
        at = (day - first).days
        assert week(price, at) / week(price, at - 14) < 0.90, day
        assert week(power, at) / week(power, at - 14) < 0.97, day


def test_the_estimate_is_minus_13_37_with_about_two_days_to_go(market: Market) -> None:
    now = datetime(2026, 2, 5, 23, 50)
    epoch = market.table("difficulty_epoch").filter(pl.col("start_time") <= now).row(-1, named=True)
    found = market.table("blocks").filter(pl.col("time").is_between(epoch["start_time"], now)).height
    elapsed = (now - epoch["start_time"]).total_seconds()
    assert (600 / (elapsed / found) - 1) * 100 == pytest.approx(-13.37, abs=0.005)
    assert 1.8 < (2016 - found) * elapsed / found / 86_400 < 2.3


def test_the_adjustment_of_7_february_was_minus_11_16(market: Market) -> None:
    epochs = market.table("difficulty_epoch")
    adjusted = epochs.row(by_predicate=pl.col("start_time").dt.date() == date(2026, 2, 7), named=True)
    assert adjusted["change_pct"] == pytest.approx(-11.16, abs=0.005)
    assert epochs["start_time"][0] < datetime(2024, 11, 1)


def test_every_adjustment_follows_from_the_blocks_before_it(market: Market) -> None:
    epochs = market.table("difficulty_epoch").to_dicts()
    times = dict(market.table("blocks").select("height", "time").iter_rows())
    for epoch, following in pairwise(epochs):
        first = epoch["start_height"]
        assert times[first] == epoch["start_time"]
        measured = (times[first + 2015] - times[first]).total_seconds()
        assert (14 * 86_400 / measured - 1) * 100 == pytest.approx(following["change_pct"], abs=1e-3)
        assert (following["difficulty"] / epoch["difficulty"] - 1) * 100 == pytest.approx(
            following["change_pct"], abs=1e-6
        )


def test_daily_counts_are_the_blocks_of_the_day(market: Market) -> None:
    counted = (
        market.table("blocks").group_by(pl.col("time").dt.date().alias("date")).agg(pl.len(), pl.col("fees_btc").sum())
    )
    both = market.table("onchain_1d").join(counted, on="date", suffix="_counted")
    assert both.height == market.table("onchain_1d").height
    assert (both["block_count"] == both["len"]).all()
    assert (both["fees_btc"] - both["fees_btc_counted"]).abs().max() < 1e-3


# --- macro ---


def returns(market: Market, series: str, days: int = 1) -> dict[date, float]:
    closes = market.table("macro_1d").filter(pl.col("series") == series).sort("date")
    return dict(closes.select("date", (pl.col("close") / pl.col("close").shift(days) - 1) * 100).iter_rows())


def test_markets_rebound_on_the_sixth_as_in_the_article(market: Market) -> None:
    for series, percent in {
        "spx": 1.97,
        "ixic": 2.18,
        "dji": 2.47,
        "sox": 5.7,
        "gold": 3.9,
        "silver": 8.6,
        "dxy": -0.2,
    }.items():
        assert returns(market, series)[SIXTH] == pytest.approx(percent, abs=0.005), series
    assert returns(market, "silver")[FIFTH] == pytest.approx(-18, abs=0.05)
    silver = market.table("macro_1d").filter(pl.col("series") == "silver", pl.col("date") == FIFTH)
    assert silver["close"].item() == 72.21


def test_macro_is_improving_on_the_sixth_neither_bear_nor_bull(market: Market) -> None:
    spx, ixic = returns(market, "spx", 5), returns(market, "ixic", 5)
    assert min(spx[SIXTH], ixic[SIXTH]) > -3
    assert min(spx[SIXTH], ixic[SIXTH]) < 0
    mean = {day: (spx[day] + ixic[day]) / 2 for day in (date(2026, 2, 3), SIXTH)}
    assert mean[SIXTH] > mean[date(2026, 2, 3)] + 0.5


# --- endings ---


def test_the_confirming_ending_confirms(folders: dict[Ending, Path]) -> None:
    market = Market(folders[Ending.CONFIRMING])
    assert bar(market, date(2026, 4, 30))["close"] > bar(market, date(2026, 3, 15))["close"] > 70_600
    funding = market.table("funding").filter(pl.col("funding_time") >= datetime(2026, 3, 1))
    assert funding.group_by("venue").agg((pl.col("rate") > 0).mean())["rate"].min() > 0.95
    assert min(total for day, total in settled_totals(market).items() if day >= date(2026, 3, 1)) > -100
    skew, near = volatility(market, date(2026, 4, 15), 7)
    assert -3 < skew < -1
    assert near < volatility(market, date(2026, 4, 15), 90)[1]
    assert hashprice(market)[date(2026, 4, 30)] > 35


def test_the_refuting_ending_refutes(folders: dict[Ending, Path]) -> None:
    market = Market(folders[Ending.REFUTING])
    assert bar(market, date(2026, 4, 30))["close"] < 60_000
    funding = market.table("funding").filter(pl.col("funding_time") >= datetime(2026, 2, 20))
    assert funding.group_by("venue").agg((pl.col("rate") < 0).mean())["rate"].min() > 0.9
    assert sum(total < -400 for day, total in settled_totals(market).items() if day > date(2026, 2, 10)) > 5
    chain = market.table("onchain_1d").filter(pl.col("date") >= date(2026, 2, 20))
    assert chain["realized_loss_usd"].mean() > 1.2e9
    assert chain["hashrate_ehs"].tail(14).mean() < 0.85 * chain["hashrate_ehs"].head(14).mean()
