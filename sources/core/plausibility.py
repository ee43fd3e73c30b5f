"""Figures whose size tells their unit once the day is known, so that another unit never passes for a reading."""

from datetime import date

# First year -> EH/s that no later day had less of: a fifth to a half of the least daily figure since then (about 0.7 in
# 2016, 14 in 2018, 60 in 2021). Before 2016 the network grew too fast for its size to tell anything.
FEWEST_EHS = ((2022, 50.0), (2018, 5.0), (2016, 0.2))


def hashrate_ehs(value: object, per_ehs: float, day: object) -> object:
    """A hashrate in EH/s, out of a figure in a unit of which `per_ehs` make one.

    Text, for `typed` to refuse, when the network had far more than that on the day: the figure is in another unit. What
    is no number comes back unchanged, to be refused with its own text.
    """
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    rate = value / per_ehs
    year = day.year if isinstance(day, date) else 0
    fewest = next((floor for since, floor in FEWEST_EHS if year >= since), 0.0)
    return f"{rate:g} EH/s in {year}" if rate < fewest else rate
