"""What surrounds the board of a date: the days before it, options by tenor and strike, the calendar, the datasets.

Each function chooses rows of the published warehouse and computes nothing that a mart does not say.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final, TypeVar

from reporting.board import Board, BucketReading
from reporting.observed import Point, line
from reporting.published import PublishedWarehouse
from reporting.scorecard import Key, Record, read_scorecard

Made = TypeVar("Made")

HISTORY_DAYS: Final = 180
EARLIER_DAYS: Final = (7, 30)  # curves of these days ago stand beside the day's own
ATTRIBUTION_DAYS: Final = 14
EVENTS_BACK_DAYS: Final = 14
PANELS: Final = 2  # signals in the chart of a bucket


@dataclass(frozen=True)
class DatedSeries:
    """Values by date, ascending; null where nothing was known."""

    dates: tuple[date, ...]
    values: tuple[float | None, ...]

    @property
    def known(self) -> list[tuple[date, float]]:
        """The dates with a value."""
        pairs = zip(self.dates, self.values, strict=True)
        return [(day, value) for day, value in pairs if value is not None]


@dataclass(frozen=True)
class RegimeSpell:
    """Days running with one regime, both ends included."""

    first: date
    last: date
    regime: str


@dataclass(frozen=True)
class BoardHistory:
    """The days up to a date: price with its level and cluster, regimes, and for each bucket the signals of its chart.

    `panels` holds signal ids by bucket: the primary first, then the one that most rules hold against a number.
    """

    close: DatedSeries
    level: DatedSeries
    cluster_low: DatedSeries
    cluster_high: DatedSeries
    regimes: tuple[tuple[date, str], ...]
    panels: Mapping[str, tuple[str, ...]]
    signals: Mapping[str, DatedSeries]

    @property
    def stretches(self) -> list[RegimeSpell]:
        """The regimes, days running taken together."""
        runs = ((regime, [day for day, _ in run]) for regime, run in groupby(self.regimes, key=lambda pair: pair[1]))
        return [RegimeSpell(days[0], days[-1], regime) for regime, days in runs]


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
class MoveAttribution:
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
class CalendarEvent:
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
    history: BoardHistory
    tenors: Mapping[int, tuple[Tenor, ...]]  # by days ago: 0 and, where known, EARLIER_DAYS
    expiries: tuple[Expiry, ...]
    monthly: Expiry | None  # the next monthly one, at least seven days out
    probabilities: tuple[Probability, ...]
    moves: tuple[MoveAttribution, ...]
    events: tuple[CalendarEvent, ...]
    sources: tuple[Mapping[str, Any], ...]
    published_at: datetime | None
    code_version: str | None
    scorecard: Mapping[Key, Record]  # up to the newest date, and empty for an older one: it knows what came later


def read_context(warehouse: PublishedWarehouse, board: Board) -> Context:
    """The context of a board, from the warehouse that the board was read from."""
    return next(read_contexts(warehouse, [board]))


def read_contexts(warehouse: PublishedWarehouse, boards: Sequence[Board]) -> Iterator[Context]:
    """The contexts of boards, in their order: a few questions for all of them together."""
    days = [board.signal_date for board in boards]
    publication = warehouse.rows("select published_at, code_version from main.publication")[0]
    sources = tuple(warehouse.sources())
    yesterdays = _yesterdays(warehouse, boards)
    histories = read_histories(warehouse, boards)
    tenors = _tenors(warehouse, days)
    expiries = _expiries(warehouse, days)
    probabilities = _probabilities(warehouse, days)
    moves = _moves(warehouse, days)
    events = _events(warehouse)
    scorecard, newest = read_scorecard(warehouse), warehouse.signal_dates()[-1]
    for board, history in zip(boards, histories, strict=True):
        day = board.signal_date
        ahead = expiries.get(day, ())
        curves = {ago: tenors[day - timedelta(days=ago)] for ago in (0, *EARLIER_DAYS) if _before(day, ago) in tenors}
        yield Context(
            yesterday=yesterdays.get(day - timedelta(days=1)),
            history=history,
            tenors=curves,
            expiries=ahead,
            monthly=next((each for each in ahead if is_monthly_ahead(each.expiry, day)), None),
            probabilities=probabilities.get(day, ()),
            moves=tuple(move for move in moves if _before(day, ATTRIBUTION_DAYS) < move.signal_date <= day),
            events=tuple(event for event in events if event.event_date >= _before(day, EVENTS_BACK_DAYS)),
            sources=sources,
            scorecard=scorecard if day == newest else {},
            **publication,
        )


def read_history(warehouse: PublishedWarehouse, board: Board) -> BoardHistory:
    """The days before the board's date and itself."""
    return next(read_histories(warehouse, [board]))


def read_histories(warehouse: PublishedWarehouse, boards: Sequence[Board]) -> Iterator[BoardHistory]:
    """The days before each board's date and itself."""
    days = [board.signal_date for board in boards]
    panels = [{bucket.bucket: _panels(bucket) for bucket in board.buckets} for board in boards]
    signals = _signals(warehouse, days, sorted({name for each in panels for panel in each.values() for name in panel}))
    rows = warehouse.rows(
        f"""
        select signal_date, btc_close_usd, level_usd, cluster_low_usd, cluster_high_usd, regime
        from marts.fct_regime_daily
        where signal_date between $first - interval {HISTORY_DAYS} day and $last
        order by signal_date
        """,
        first=min(days),
        last=max(days),
    )
    for day, panel in zip(days, panels, strict=True):
        shown = [row for row in rows if _before(day, HISTORY_DAYS) <= row["signal_date"] <= day]
        names = sorted({name for panel_names in panel.values() for name in panel_names})
        yield BoardHistory(
            close=_series(shown, "btc_close_usd"),
            level=_series(shown, "level_usd"),
            cluster_low=_series(shown, "cluster_low_usd"),
            cluster_high=_series(shown, "cluster_high_usd"),
            regimes=tuple((row["signal_date"], row["regime"]) for row in shown),
            panels=panel,
            signals={name: _until(signals[name], day) for name in names if name in signals},
        )


def _series(rows: Sequence[Mapping[str, Any]], column: str) -> DatedSeries:
    return DatedSeries(tuple(row["signal_date"] for row in rows), tuple(row[column] for row in rows))


def _until(points: Sequence[Point], day: date) -> DatedSeries:
    """The points that were known on a date."""
    shown = [each for each in points if each.seen <= day and each.observed >= _before(day, HISTORY_DAYS)]
    return DatedSeries(tuple(each.observed for each in shown), tuple(each.value for each in shown))


def _before(day: date, days: int) -> date:
    return day - timedelta(days=days)


def is_monthly_ahead(expiry: date, day: date) -> bool:
    """Whether an expiry is the last Friday of a month, and at least seven days out."""
    is_last_friday = expiry.weekday() == 4 and (expiry + timedelta(days=7)).month != expiry.month
    return is_last_friday and expiry >= day + timedelta(days=7)


def _panels(bucket: BucketReading) -> tuple[str, ...]:
    """The primary signal, and beside it the one that most of the bucket's rules hold against a number."""
    primary = bucket.primary.signal_id
    counts: dict[str, int] = {}
    for rule in (*bucket.continues, *bucket.confirms):
        if rule.measure == "value" and rule.signal_id != primary:
            counts[rule.signal_id] = counts.get(rule.signal_id, 0) + 1
    return (primary, *sorted(counts, key=lambda name: -counts[name]))[:PANELS]


def _signals(warehouse: PublishedWarehouse, days: Sequence[date], names: list[str]) -> dict[str, list[Point]]:
    rows = warehouse.rows(
        f"""
        select signal_id, signal_date, value_as_known, observed_date, is_fresh
        from marts.fct_signal_daily
        where list_contains($names, signal_id)
            and signal_date between $first - interval {HISTORY_DAYS} day and $last
        order by signal_id, signal_date
        """,
        names=names,
        first=min(days),
        last=max(days),
    )
    return {
        name: line((row["signal_date"], row["value_as_known"], row["observed_date"], row["is_fresh"]) for row in run)
        for name, run in groupby(rows, key=lambda row: row["signal_id"])
    }


def _yesterdays(warehouse: PublishedWarehouse, boards: Sequence[Board]) -> dict[date, Board]:
    """The boards of the days before, as far as there are any."""
    known = {board.signal_date: board for board in boards}
    missing = [_before(day, 1) for day in known if _before(day, 1) not in known]
    rows = warehouse.rows(
        "select signal_date from marts.fct_regime_daily where list_contains($days, signal_date)", days=missing
    )
    wanted = [row["signal_date"] for row in rows]
    return known | {board.signal_date: board for board in (warehouse.boards(wanted) if wanted else ())}


def _tenors(warehouse: PublishedWarehouse, days: Sequence[date]) -> dict[date, tuple[Tenor, ...]]:
    rows = warehouse.rows(
        """
        select signal_date, tenor_days, atm_iv, rr25, bf25 from marts.fct_option_surface_daily
        where list_contains($days, signal_date) order by signal_date, tenor_days
        """,
        days=sorted({_before(day, ago) for day in days for ago in (0, *EARLIER_DAYS)}),
    )
    return _by_date(rows, Tenor)


def _expiries(warehouse: PublishedWarehouse, days: Sequence[date]) -> dict[date, tuple[Expiry, ...]]:
    rows = warehouse.rows(
        """
        select
            signal_date,
            expiry,
            strike as strike_usd,
            coalesce(sum(open_interest_btc) filter (where option_type = 'P'), 0) as puts_btc,
            coalesce(sum(open_interest_btc) filter (where option_type = 'C'), 0) as calls_btc
        from marts.fct_option_oi_daily
        where list_contains($days, signal_date)
        group by signal_date, expiry, strike
        order by signal_date, expiry, strike
        """,
        days=list(days),
    )
    found: dict[date, list[Expiry]] = {}
    for (day, expiry), run in groupby(rows, key=lambda row: (row["signal_date"], row["expiry"])):
        strikes = tuple(Strike(row["strike_usd"], row["puts_btc"], row["calls_btc"]) for row in run)
        found.setdefault(day, []).append(Expiry(expiry, strikes))
    return {day: tuple(expiries) for day, expiries in found.items()}


def _probabilities(warehouse: PublishedWarehouse, days: Sequence[date]) -> dict[date, tuple[Probability, ...]]:
    rows = warehouse.rows(
        """
        select signal_date, horizon_days, strike_usd, prob_below_pct as below_pct, prob_touch_pct as touch_pct
        from marts.fct_implied_probability_daily
        where list_contains($days, signal_date)
        order by signal_date, horizon_days, strike_usd
        """,
        days=list(days),
    )
    return _by_date(rows, Probability)


def _by_date(rows: Sequence[dict[str, Any]], made: Callable[..., Made]) -> dict[date, tuple[Made, ...]]:
    """Rows that are sorted by signal date, as objects of the rest of their columns."""
    return {
        day: tuple(made(**{name: value for name, value in row.items() if name != "signal_date"}) for row in run)
        for day, run in groupby(rows, key=lambda row: row["signal_date"])
    }


def _moves(warehouse: PublishedWarehouse, days: Sequence[date]) -> tuple[MoveAttribution, ...]:
    rows = warehouse.rows(
        f"""
        select {", ".join(MoveAttribution.__dataclass_fields__)}
        from marts.fct_move_attribution_daily
        where signal_date > $first - interval {ATTRIBUTION_DAYS} day and signal_date <= $last
        order by signal_date
        """,
        first=min(days),
        last=max(days),
    )
    return tuple(MoveAttribution(**row) for row in rows if row["return_pct"] is not None)


def _events(warehouse: PublishedWarehouse) -> tuple[CalendarEvent, ...]:
    rows = warehouse.rows(
        """
        select event_date, event_time_utc, kind, title, title_zh
        from marts.dim_event
        order by event_date, event_time_utc, kind
        """
    )
    return tuple(CalendarEvent(**row) for row in rows)
