"""What surrounds the board of a date: the days before it, options by tenor and strike, the calendar, the datasets.

Each function chooses rows of the published warehouse and computes nothing that a mart does not say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from reporting.board import BUCKETS, Board, Bucket, Warehouse

HISTORY_DAYS: Final = 180
EARLIER_DAYS: Final = (7, 30)  # curves of these days ago stand beside the day's own
ATTRIBUTION_DAYS: Final = 14
EVENTS_BACK_DAYS: Final = 14
PANELS: Final = 2  # signals in the chart of a bucket


@dataclass(frozen=True)
class Series:
    """Values by date, ascending; null where nothing was known."""

    dates: tuple[date, ...]
    values: tuple[float | None, ...]

    @property
    def known(self) -> list[tuple[date, float]]:
        """The dates with a value."""
        pairs = zip(self.dates, self.values, strict=True)
        return [(day, value) for day, value in pairs if value is not None]


@dataclass(frozen=True)
class Stretch:
    """Days running with one regime, both ends included."""

    first: date
    last: date
    regime: str


@dataclass(frozen=True)
class History:
    """The days up to a date: price with its level and cluster, regimes, and for each bucket the signals of its chart.

    `panels` holds signal ids by bucket: the primary first, then the one that most rules hold against a number.
    """

    close: Series
    level: Series
    cluster_low: Series
    cluster_high: Series
    regimes: tuple[tuple[date, str], ...]
    panels: Mapping[str, tuple[str, ...]]
    signals: Mapping[str, Series]

    @property
    def stretches(self) -> list[Stretch]:
        """The regimes, days running taken together."""
        runs = ((regime, [day for day, _ in run]) for regime, run in groupby(self.regimes, key=lambda pair: pair[1]))
        return [Stretch(days[0], days[-1], regime) for regime, days in runs]


@dataclass(frozen=True)
class Tenor:
    """Implied volatility at a constant maturity, in volatility points."""

    tenor_days: int
    atm_iv: float | None
    rr25: float | None
    bf25: float | None

    @property
    def smile(self) -> tuple[float | None, float | None, float | None]:
        """IV of the 25-delta put, at the money, and of the 25-delta call: what risk reversal and butterfly say."""
        if self.atm_iv is None or self.rr25 is None or self.bf25 is None:
            return None, self.atm_iv, None
        wings = self.atm_iv + self.bf25
        return wings - self.rr25 / 2, self.atm_iv, wings + self.rr25 / 2


@dataclass(frozen=True)
class Strike:
    """Open interest at one strike of an expiry, in BTC."""

    strike_usd: float
    puts_btc: float
    calls_btc: float


@dataclass(frozen=True)
class Expiry:
    """Open interest of one expiry, by strike ascending."""

    expiry: date
    strikes: tuple[Strike, ...]

    @property
    def puts_btc(self) -> float:
        """All puts."""
        return sum(strike.puts_btc for strike in self.strikes)

    @property
    def calls_btc(self) -> float:
        """All calls."""
        return sum(strike.calls_btc for strike in self.strikes)

    @property
    def largest_put(self) -> Strike | None:
        """The strike with most puts; None without puts."""
        return max(self.strikes, key=lambda strike: strike.puts_btc) if self.puts_btc else None

    def puts_below_share_pct(self, level: float | None) -> float | None:
        """Share of the puts struck below a level; None without either."""
        if level is None or not self.puts_btc:
            return None
        return 100 * sum(strike.puts_btc for strike in self.strikes if strike.strike_usd < level) / self.puts_btc


@dataclass(frozen=True)
class Probability:
    """What options imply about a strike at a horizon, in percent; null beyond the quoted strikes."""

    horizon_days: int
    strike_usd: float
    below_pct: float | None
    touch_pct: float | None


@dataclass(frozen=True)
class Move:
    """A day's return and what it moved with, in percent."""

    signal_date: date
    return_pct: float
    macro_pct: float | None
    positioning_pct: float | None
    spot_demand_pct: float | None
    unexplained_pct: float | None
    r2: float | None
    is_exchange_closed: bool


@dataclass(frozen=True)
class Event:
    """Something dated. `title_zh` is null where nobody wrote it."""

    event_date: date
    event_time_utc: str | None
    kind: str
    title: str
    title_zh: str | None


@dataclass(frozen=True)
class Context:
    """Everything on the report beside the board itself. `yesterday` is the board of the day before, if there is one."""

    yesterday: Board | None
    history: History
    tenors: Mapping[int, tuple[Tenor, ...]]  # by days ago: 0 and, where known, EARLIER_DAYS
    expiries: tuple[Expiry, ...]
    monthly: Expiry | None  # the next monthly one, at least seven days out
    probabilities: tuple[Probability, ...]
    moves: tuple[Move, ...]
    events: tuple[Event, ...]
    sources: tuple[Mapping[str, Any], ...]
    published_at: datetime | None
    code_version: str | None


def read_context(warehouse: Warehouse, board: Board) -> Context:
    """The context of a board, from the warehouse that the board was read from."""
    expiries = _expiries(warehouse, board.signal_date)
    publication = warehouse.rows("select published_at, code_version from main.publication")[0]
    return Context(
        yesterday=_yesterday(warehouse, board),
        history=read_history(warehouse, board),
        tenors=dict(_tenors(warehouse, board.signal_date)),
        expiries=expiries,
        monthly=next((each for each in expiries if is_monthly_ahead(each.expiry, board.signal_date)), None),
        probabilities=_probabilities(warehouse, board.signal_date),
        moves=_moves(warehouse, board.signal_date),
        events=_events(warehouse, board.signal_date),
        sources=tuple(sorted(warehouse.sources(), key=_by_bucket)),
        **publication,
    )


def read_history(warehouse: Warehouse, board: Board) -> History:
    """The days before the board's date and itself."""
    days = warehouse.rows(
        f"""
        select signal_date, btc_close_usd, level_usd, cluster_low_usd, cluster_high_usd, regime
        from marts.fct_regime_daily
        where signal_date between $day - interval {HISTORY_DAYS} day and $day
        order by signal_date
        """,
        day=board.signal_date,
    )
    dates = tuple(row["signal_date"] for row in days)

    def series(column: str) -> Series:
        return Series(dates, tuple(row[column] for row in days))

    panels = {bucket.bucket: _panels(bucket) for bucket in board.buckets}
    return History(
        close=series("btc_close_usd"),
        level=series("level_usd"),
        cluster_low=series("cluster_low_usd"),
        cluster_high=series("cluster_high_usd"),
        regimes=tuple((row["signal_date"], row["regime"]) for row in days),
        panels=panels,
        signals=_signals(warehouse, board.signal_date, sorted({name for panel in panels.values() for name in panel})),
    )


def is_monthly_ahead(expiry: date, day: date) -> bool:
    """Whether an expiry is the last Friday of a month, and at least seven days out."""
    is_last_friday = expiry.weekday() == 4 and (expiry + timedelta(days=7)).month != expiry.month
    return is_last_friday and expiry >= day + timedelta(days=7)


def _panels(bucket: Bucket) -> tuple[str, ...]:
    """The primary signal, and beside it the one that most of the bucket's rules hold against a number."""
    primary = bucket.primary.signal_id
    counts: dict[str, int] = {}
    for rule in (*bucket.continues, *bucket.confirms):
        if rule.measure == "value" and rule.signal_id != primary:
            counts[rule.signal_id] = counts.get(rule.signal_id, 0) + 1
    return (primary, *sorted(counts, key=lambda name: -counts[name]))[:PANELS]


def _signals(warehouse: Warehouse, day: date, names: list[str]) -> dict[str, Series]:
    rows = warehouse.rows(
        f"""
        select signal_id, signal_date, value_as_known
        from marts.fct_signal_daily
        where list_contains($names, signal_id) and signal_date between $day - interval {HISTORY_DAYS} day and $day
        order by signal_id, signal_date
        """,
        names=names,
        day=day,
    )
    found = {
        name: [(row["signal_date"], row["value_as_known"]) for row in run]
        for name, run in groupby(rows, key=lambda row: row["signal_id"])
    }
    return {
        name: Series(tuple(day for day, _ in pairs), tuple(value for _, value in pairs))
        for name, pairs in found.items()
    }


def _yesterday(warehouse: Warehouse, board: Board) -> Board | None:
    before = board.signal_date - timedelta(days=1)
    known = warehouse.rows("select 1 as found from marts.fct_regime_daily where signal_date = $day", day=before)
    return warehouse.board(before) if known else None


def _tenors(warehouse: Warehouse, day: date) -> Iterator[tuple[int, tuple[Tenor, ...]]]:
    for ago in (0, *EARLIER_DAYS):
        rows = warehouse.rows(
            """
            select tenor_days, atm_iv, rr25, bf25 from marts.fct_option_surface_daily
            where signal_date = $day order by tenor_days
            """,
            day=day - timedelta(days=ago),
        )
        if rows:
            yield ago, tuple(Tenor(**row) for row in rows)


def _expiries(warehouse: Warehouse, day: date) -> tuple[Expiry, ...]:
    rows = warehouse.rows(
        """
        select
            expiry,
            strike as strike_usd,
            coalesce(sum(open_interest_btc) filter (where option_type = 'P'), 0) as puts_btc,
            coalesce(sum(open_interest_btc) filter (where option_type = 'C'), 0) as calls_btc
        from marts.fct_option_oi_daily
        where signal_date = $day
        group by expiry, strike
        order by expiry, strike
        """,
        day=day,
    )
    return tuple(
        Expiry(expiry, tuple(Strike(row["strike_usd"], row["puts_btc"], row["calls_btc"]) for row in run))
        for expiry, run in groupby(rows, key=lambda row: row["expiry"])
    )


def _probabilities(warehouse: Warehouse, day: date) -> tuple[Probability, ...]:
    rows = warehouse.rows(
        """
        select horizon_days, strike_usd, prob_below_pct as below_pct, prob_touch_pct as touch_pct
        from marts.fct_implied_probability_daily
        where signal_date = $day
        order by horizon_days, strike_usd
        """,
        day=day,
    )
    return tuple(Probability(**row) for row in rows)


def _moves(warehouse: Warehouse, day: date) -> tuple[Move, ...]:
    rows = warehouse.rows(
        f"""
        select {", ".join(Move.__dataclass_fields__)}
        from marts.fct_move_attribution_daily
        where signal_date > $day - interval {ATTRIBUTION_DAYS} day and signal_date <= $day
        order by signal_date
        """,
        day=day,
    )
    return tuple(Move(**row) for row in rows if row["return_pct"] is not None)


def _events(warehouse: Warehouse, day: date) -> tuple[Event, ...]:
    rows = warehouse.rows(
        f"""
        select event_date, event_time_utc, kind, title, title_zh
        from marts.dim_event
        where event_date >= $day - interval {EVENTS_BACK_DAYS} day
        order by event_date, event_time_utc, kind
        """,
        day=day,
    )
    return tuple(Event(**row) for row in rows)


def _by_bucket(source: Mapping[str, Any]) -> tuple[int, str]:
    bucket = source["bucket"]
    return (BUCKETS.index(bucket) if bucket in BUCKETS else len(BUCKETS), source["dataset_id"])
