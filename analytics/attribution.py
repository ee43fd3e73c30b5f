"""What a day's return moved with: a macro part, a positioning part, a spot-demand part, and what is left unexplained.

The method, one choice each:

- coefficients come from the 120 days before a day, never from the day itself, so a row never changes afterwards;
- ordinary least squares on standardised inputs by one QR decomposition. Its columns are the inputs in the order of
  `INPUTS`, each made orthogonal to those before it (Gram–Schmidt), so a block gets only what the blocks before it leave
  over. Source: Golub and Van Loan, Matrix Computations, 5.2 and 5.3;
- for the fit, inputs and returns beyond five mean absolute deviations from the window's median (four standard
  deviations of a normal) are held there: one crash would otherwise set the coefficients of the 120 days after it;
- on the day itself a positioning or spot-demand input, and then what is new in it, is held at the same limits and
  named: of its effect beyond them nothing is known, and the rest of such a day is unexplained. A macro input is not
  held, a return against a return is linear by design;
- a day without stock trading has no macro part; the days of the window without it bear on the other blocks only;
- an input that is not known on the day, or on less than four fifths of the window, is left out of that day's model and
  named. Nothing is filled in.

The words are "moved with": open interest and liquidations are consequences of the price as much as causes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

BLOCKS: Final = ("macro", "positioning", "spot_demand")

WINDOW_DAYS: Final = 120
FEWEST_DAYS: Final = 60
KNOWN_SHARE: Final = 0.8
LIMIT: Final = 5.0  # mean absolute deviations from the median
# A column this close to the span of those before it, in its own standard deviations, says nothing new.
INDEPENDENT: Final = 1e-6


@dataclass(frozen=True)
class ModelInput:
    """A column of the frame: the block it belongs to, and whether it exists on days of stock trading only."""

    column: str
    block: str
    is_trading_day_data: bool = False


INPUTS: Final = (
    ModelInput("equities_return_pct", "macro", is_trading_day_data=True),
    ModelInput("gold_return_pct", "macro", is_trading_day_data=True),
    ModelInput("dollar_return_pct", "macro", is_trading_day_data=True),
    ModelInput("oi_change_pct", "positioning"),
    ModelInput("net_liquidations_root", "positioning"),
    ModelInput("funding_change_pct", "positioning"),
    ModelInput("basis_change_pct", "positioning"),
    ModelInput("spot_volume_share_pct", "spot_demand"),
    ModelInput("taker_buy_share_pct", "spot_demand"),
    ModelInput("coinbase_premium_change_bps", "spot_demand"),
    ModelInput("etf_net_flow_bp", "spot_demand", is_trading_day_data=True),
)

_COLUMNS: Final = np.array([each.column for each in INPUTS])
_BLOCK: Final = np.array([BLOCKS.index(each.block) for each in INPUTS])
_IS_TRADING_DAY_DATA: Final = np.array([each.is_trading_day_data for each in INPUTS])


@dataclass(frozen=True)
class ReturnSplit:
    """One day's return split by a model of the days before: parts by block in percent, fit of those days."""

    parts: Floats
    r2: float
    observations: int
    held: Flags  # by input: beyond the limits of the window


@dataclass(frozen=True)
class ReturnHistory:
    """All days as arrays: readings (days × inputs, NaN where not known), returns in percent, stock trading or not."""

    values: Floats
    returns: Floats
    is_open: Flags


def attribute(days: pl.DataFrame) -> pl.DataFrame:
    """Split each day's return. One row in, one row out, sorted by day.

    `days` has signal_date, is_exchange_closed, return_pct (percent, not null) and the columns of `INPUTS`, each in any
    unit and null where not known. The result has

    - signal_date, return_pct, and its parts in percent, which add up to it: macro_pct, positioning_pct, spot_demand_pct
      and unexplained_pct;
    - r2: the share of the variance of the window's returns that the fit explains; observations: the days in the fit;
    - r2_out_of_sample: one minus the sum of squares left unexplained over that of the returns, of the days of the
      window, each split by the days before it; below zero when the parts were worse than none;
    - macro_inputs, positioning_inputs, spot_demand_inputs: the inputs in the day's model; a part without any is 0;
    - is_exchange_closed, inputs_missing and method_note; the last two null where nothing is to be said.

    With fewer than 60 usable days before it a day is all unexplained and r2 is null.

    Raises ValueError when columns are missing or a day stands there twice.
    """
    _require(days)
    days = days.sort("signal_date")
    dates = days["signal_date"].to_physical().to_numpy()
    first = np.searchsorted(dates, dates - WINDOW_DAYS)
    history = ReturnHistory(
        values=days.select(pl.col(_COLUMNS.tolist()).cast(pl.Float64)).fill_null(np.nan).to_numpy(),
        returns=days["return_pct"].to_numpy(),
        is_open=~days["is_exchange_closed"].to_numpy(),
    )
    applies = history.is_open[:, None] | ~_IS_TRADING_DAY_DATA
    is_known = np.isfinite(history.values)
    is_whole = is_known | ~applies
    has_past = _sums_before(is_known & applies, first) >= np.maximum(1, KNOWN_SHARE * _sums_before(applies, first))
    is_used = has_past & is_whole

    splits: list[ReturnSplit | None] = []
    for day, start in enumerate(first):
        columns = np.flatnonzero(is_used[day])
        past = start + np.flatnonzero(is_whole[start:day, columns].all(axis=1))
        splits.append(_split(history, past, day, columns) if columns.size and past.size >= FEWEST_DAYS else None)

    is_modelled = np.array([split is not None for split in splits], dtype=bool)
    is_used &= is_modelled[:, None]
    parts = np.array([split.parts if split else np.zeros(len(BLOCKS)) for split in splits]).reshape(-1, len(BLOCKS))
    unexplained = history.returns - parts.sum(axis=1)
    return pl.DataFrame(
        {
            "signal_date": days["signal_date"],
            "return_pct": history.returns,
            **{f"{block}_pct": parts[:, number] for number, block in enumerate(BLOCKS)},
            "unexplained_pct": unexplained,
            "r2": pl.Series([split.r2 if split else None for split in splits], dtype=pl.Float64),
            "r2_out_of_sample": _r2_out_of_sample(history.returns, unexplained, is_modelled, first),
            "observations": pl.Series([split.observations if split else 0 for split in splits], dtype=pl.Int64),
            **{
                f"{block}_inputs": pl.Series(is_used[:, number == _BLOCK].sum(axis=1), dtype=pl.Int64)
                for number, block in enumerate(BLOCKS)
            },
            "is_exchange_closed": days["is_exchange_closed"],
            "inputs_missing": pl.Series([_names(row) for row in applies & ~is_used], dtype=pl.String),
            "method_note": pl.Series(
                [
                    _note(*row)
                    for row in zip(splits, history.is_open, ~is_whole, is_known & applies & ~has_past, strict=True)
                ],
                dtype=pl.String,
            ),
        }
    )


def _require(days: pl.DataFrame) -> None:
    absent = {"signal_date", "is_exchange_closed", "return_pct", *_COLUMNS.tolist()} - set(days.columns)
    if absent:
        raise ValueError(f"the attribution's inputs lack the columns {', '.join(sorted(absent))}")
    if days["signal_date"].is_duplicated().any():
        raise ValueError("the attribution's inputs hold a day more than once")


def _sums_before(figures: Floats | Flags, first: Indices) -> Floats:
    """Sums over the window before each day, column by column."""
    totals = np.vstack([np.zeros(figures.shape[1]), np.cumsum(figures, axis=0)])
    sums: Floats = totals[:-1] - totals[first]
    return sums


def _split(history: ReturnHistory, past: Indices, day: int, columns: Indices) -> ReturnSplit:
    """The day's return by a fit of the days `past` on the inputs `columns`."""
    design, today, held = _standardised(history, past, day, columns)
    basis, triangle = np.linalg.qr(design)
    is_new = np.abs(np.diag(triangle)) > INDEPENDENT * np.sqrt(len(past))
    if not is_new.all():
        basis, triangle = np.linalg.qr(design[:, is_new])
        columns, today = columns[is_new], today[is_new]
    response = _held(history.returns[past], history.returns[past])
    response = response - response.mean()
    loadings = basis.T @ response

    news = np.linalg.solve(triangle.T, today)
    limited = np.where(_BLOCK[columns] == 0, news, _held(news, basis))
    held[columns] |= limited != news
    variation = response @ response
    parts = np.zeros(len(BLOCKS))
    np.add.at(parts, _BLOCK[columns], limited * loadings)
    return ReturnSplit(
        parts=parts,
        r2=float(loadings @ loadings / variation) if variation else 0.0,
        observations=len(past),
        held=held,
    )


def _standardised(history: ReturnHistory, past: Indices, day: int, columns: Indices) -> tuple[Floats, Floats, Flags]:
    """The inputs of the days `past` and of the day itself, in standard deviations from the mean of `past`.

    Trading-date inputs are measured on days of stock trading and stand at zero, their mean, on others. Third: by input,
    whether the day's reading was held at the limits.
    """
    design = np.zeros((len(past), len(columns)))
    today = np.zeros(len(columns))
    was_held = np.zeros(len(INPUTS), dtype=bool)
    for is_trading_day_data in (True, False):
        places = np.flatnonzero(_IS_TRADING_DAY_DATA[columns] == is_trading_day_data)
        rows = np.flatnonzero(history.is_open[past] | (not is_trading_day_data))
        sample = history.values[np.ix_(past[rows], columns[places])]
        held = _held(sample, sample)
        mean, scale = held.mean(axis=0), held.std(axis=0)
        scale[scale == 0] = 1
        design[np.ix_(rows, places)] = (held - mean) / scale
        if history.is_open[day] or not is_trading_day_data:
            reading = history.values[day, columns[places]]
            limited = np.where(_BLOCK[columns[places]] == 0, reading, _held(reading, sample))
            today[places] = (limited - mean) / scale
            was_held[columns[places]] = limited != reading
    return design, today, was_held


def _held(values: Floats, sample: Floats) -> Floats:
    """Values kept within the limits that a sample sets, column by column."""
    centre = np.median(sample, axis=0)
    # The mean deviation, not the median one: funding stood still on most days of some years.
    reach = LIMIT * np.abs(sample - centre).mean(axis=0)
    return np.clip(values, centre - reach, centre + reach)


def _r2_out_of_sample(returns: Floats, unexplained: Floats, is_modelled: Flags, first: Indices) -> pl.Series:
    """One minus what the parts left of the squared returns, over the days before that had a model."""
    counted = np.column_stack([unexplained**2, returns**2, np.ones(len(returns))]) * is_modelled[:, None]
    left, whole, days = _sums_before(counted, first).T
    is_known = (days >= FEWEST_DAYS) & (whole > 0)
    ratio = np.divide(left, whole, out=np.full(len(returns), np.nan), where=is_known)
    return pl.Series(1 - ratio, nan_to_null=True)


def _names(chosen: Flags) -> str | None:
    return ", ".join(_COLUMNS[chosen]) or None


def _note(split: ReturnSplit | None, is_open: bool, is_unknown: Flags, is_young: Flags) -> str | None:
    """In words: why the parts are what they are."""
    remarks = []
    if split is None:
        remarks.append("no estimates: too few days before it with the inputs of this day")
    if not is_open:
        remarks.append("exchanges closed, no macro part")
    if split and split.held.any():
        remarks.append(f"beyond what the days before tell, held at their limits: {_names(split.held)}")
    if is_unknown.any():
        remarks.append(f"not known by the cut-off: {_names(is_unknown)}")
    if is_young.any():
        remarks.append(f"known on too few of the {WINDOW_DAYS} days before: {_names(is_young)}")
    return "; ".join(remarks) or None
