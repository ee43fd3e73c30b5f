"""The trading dates of the New York exchanges."""

import numpy as np
from holidays import financial_holidays

from sandbox.scenario.story import DAY, Instants, Story


def trading_days(story: Story, *, earlier_days: int = 0) -> Instants:
    """Every date of the scenario, and of so many days before it, on which the New York Stock Exchange trades."""
    closed = financial_holidays("NYSE", years=range(story.first_day.year, story.last_day.year + 1))
    days = np.arange(story.days[0] - earlier_days * DAY, story.days[-1] + DAY, DAY)
    trading = np.is_busday(days.astype("M8[D]"), holidays=np.array(sorted(closed), dtype="M8[D]"))
    found: Instants = days[trading]
    return found
