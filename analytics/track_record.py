"""The losses of many days at once: a method's own and its baselines', month by month as pools are renewed."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from analytics.baselines import baselines
from analytics.black76 import Floats
from analytics.bracket import Indices
from analytics.forecast import METHOD, Forecaster, Prices
from analytics.forecast_scores import answers, losses, outcomes, pit
from analytics.outlook import VARIABLES, Outlook

Losses = Mapping[str, Floats]


class TrackRecord:
    """What forecasts of one price history were worth. `days` are positions whose outcome may be known."""

    def __init__(self, forecaster: Forecaster, settled: Prices | None = None) -> None:
        """`settled` are the prices that outcomes are read from, where the forecaster saw earlier versions or fewer."""
        self.forecaster = forecaster
        self._baselines = baselines(forecaster)
        settled = settled or forecaster.prices
        self._offset = int((forecaster.prices.dates[0] - settled.dates[0]).astype(int))
        self._outcomes = {horizon: outcomes(settled, horizon) for horizon in forecaster.paths}

    def outcomes(self, horizon_days: int, days: Indices) -> Floats:
        """The five variables as they came out, 5 × days; NaN where not all of it is known."""
        return self._outcomes[horizon_days][:, days + self._offset]

    def losses(self, horizon_days: int, days: Indices) -> dict[str, Losses]:
        """By forecaster, the method first, then its baselines: the losses of each day by name."""
        found = {METHOD: self._over_months(horizon_days, days, 0, self._own(horizon_days))}
        for name, baseline in self._baselines.items():
            ask = partial(baseline.outlook, horizon_days)
            found[name] = self._over_months(horizon_days, days, baseline.lag, ask)
        return found

    def pits(self, horizon_days: int, days: Indices) -> Floats:
        """Where outcomes fell in the method's own forecasts, 5 × days."""
        out = np.full((len(VARIABLES), len(days)), np.nan)
        for part, outlook in self._months(horizon_days, days, 0, self._own(horizon_days)):
            out[:, part] = pit(outlook, self.outcomes(horizon_days, days[part]))
        out[np.isnan(self.outcomes(horizon_days, days))] = np.nan
        return out

    def said(self, horizon_days: int, days: Indices) -> Iterator[tuple[Indices, str, Floats, Floats]]:
        """What the method said on the grid and what happened: places in `days`, event, and both as days × prices."""
        for part, outlook in self._months(horizon_days, days, 0, self._own(horizon_days)):
            for event, said, happened in answers(outlook, self.outcomes(horizon_days, days[part]), horizon_days):
                yield part, event, said, happened

    def on_grid(
        self, horizon_days: int, days: Indices, baseline: str | None = None
    ) -> dict[str, tuple[Floats, Floats]]:
        """By event what the method, or a baseline, said on the grid and what happened, each days × prices.

        NaN where nothing was said. Empty where no day has a pool.
        """
        other = self._baselines[baseline] if baseline else None
        ask = partial(other.outlook, horizon_days) if other else self._own(horizon_days)
        found: dict[str, tuple[Floats, Floats]] = {}
        for part, outlook in self._months(horizon_days, days, other.lag if other else 0, ask):
            outcome = self.outcomes(horizon_days, days[part])
            for event, said, happened in answers(outlook, outcome, horizon_days):
                shape = (len(days), said.shape[1])
                whole = found.setdefault(event, (np.full(shape, np.nan), np.full(shape, np.nan)))
                whole[0][part], whole[1][part] = said, happened
        return found

    def _own(self, horizon_days: int) -> Callable[[Indices], Outlook | None]:
        return self.forecaster.paths[horizon_days].outlook

    def _over_months(
        self, horizon_days: int, days: Indices, lag: int, ask: Callable[[Indices], Outlook | None]
    ) -> Losses:
        found: dict[str, Floats] = {}
        for part, outlook in self._months(horizon_days, days, lag, ask):
            outcome = self.outcomes(horizon_days, days[part])
            for name, values in losses(outlook, outcome, horizon_days).items():
                values[np.isnan(outcome[0]) | np.isnan(outlook.scale)] = np.nan
                found.setdefault(name, np.full(len(days), np.nan))[part] = values
        return found

    def _months(
        self, horizon_days: int, days: Indices, lag: int, ask: Callable[[Indices], Outlook | None]
    ) -> Iterator[tuple[Indices, Outlook]]:
        """Places in `days` that share a pool, with what is said on them; those without a pool are left out."""
        prices: Prices = self.forecaster.prices
        months = prices.dates[np.maximum(days - lag, 0)].astype("M8[M]")
        cuts = np.flatnonzero(months[1:] != months[:-1]) + 1
        for part in np.split(np.arange(len(days)), cuts):
            if len(part) and (outlook := ask(days[part])) is not None:
                yield part, outlook
