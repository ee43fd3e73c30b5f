"""The trading dates of the New York exchanges."""

import numpy as np
from holidays import financial_holidays

from sandbox.scenario.story import Instants, Story


def trading_days(story: Story) -> Instants:
    """Every date of the scenario on which the New York Stock Exchange trades."""
    closed = financial_holidays("NYSE", years=range(story.first_day.year, story.last_day.year + 1))
    dates = story.days.astype("M8[D]")
    trading = np.is_busday(dates, holidays=np.array(sorted(closed), dtype="M8[D]"))
    found: Instants = story.days[trading]
    return found
