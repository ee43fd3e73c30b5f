"""The forecast in words: frequencies in a hundred, whole numbers, the record and the verdict beside them."""

from collections.abc import Iterator
from typing import Final

from reporting.forecast import LIVE, Chances, Horizon, PublishedForecast, PublishedSkill
from reporting.localization import MONEY, Words

LEADING_DAYS: Final = 21
FALLBACK_DAYS: Final = 7
SECTION: Final = "forecast"


def leading(forecast: PublishedForecast | None) -> Horizon | None:
    """The horizon that the board leads with; the shorter one where history is too short for it."""
    if forecast is None:
        return None
    return forecast.of(LEADING_DAYS) or forecast.of(FALLBACK_DAYS)


def lines(words: Words, forecast: PublishedForecast | None) -> list[str]:
    """The forecast as a few sentences: the level, the intervals, the record. One line where there is none."""
    horizon = leading(forecast)
    if forecast is None or horizon is None:
        return [words.say(SECTION, "too_short")]
    said = [answer(words, horizon, level) for level in [horizon.at("level")] if level is not None]
    return [*said, interval(words, horizon), record(words, horizon), words.say(SECTION, "evidence")]


def answer(words: Words, horizon: Horizon, chances: Chances) -> str:
    """Does this price hold? How often in a hundred, by side."""
    price = words.money(chances.strike_usd) if chances.strike_usd is not None else words.say(SECTION, "the_level")
    above = chances.side == "from_above"
    parts = [words.say(SECTION, "question_hold" if above else "question_regain", price=price)]
    kept = chances.prob_holds if above else chances.prob_stays_below
    if kept is not None:
        key = "holds" if above else "stays_below"
        parts.append(words.say(SECTION, key, often=in_hundred(words, kept), days=horizon.horizon_days))
    if chances.prob_touch is not None:
        parts.append(words.say(SECTION, "touch", often=in_hundred(words, chances.prob_touch)))
    day = words.day(horizon.target_date)
    parts.append(words.say(SECTION, "close_below", often=in_hundred(words, chances.prob_close_below), day=day))
    return words.say(SECTION, "joint").join(parts)


def interval(words: Words, horizon: Horizon) -> str:
    """Where half of the outcomes lie, and nine in ten."""
    if horizon.p05_usd is None:
        return words.say(SECTION, "withheld")
    bounds = {
        name: words.number(getattr(horizon, f"{name}_usd"), MONEY if name in ("p75", "p95") else None, 0)
        for name in ("p05", "p25", "p75", "p95")
    }
    return words.say(SECTION, "interval", **bounds)


def record(words: Words, horizon: Horizon) -> str:
    """What the record of the horizon says; the verdict names the baseline that it does not beat."""
    if not horizon.record:
        return words.say(SECTION, "no_record", days=horizon.horizon_days)
    first = horizon.record[0]
    parts = []
    if first.coverage90 is not None:
        windows = words.number(first.independent_windows, None, 1)
        held = round(100 * first.coverage90)
        parts.append(words.say(SECTION, "coverage", often=held, windows=windows))
    if first.verdict == "too_few":
        windows = words.number(first.independent_windows, None, 1)
        parts.append(words.say(SECTION, "too_few", windows=windows))
    else:
        judged = words.say(SECTION, "semicolon").join(verdict(words, skill) for skill in horizon.record)
        parts.append(words.say(SECTION, "low", verdicts=judged))
    if first.coverage_verdict is not None:
        parts.append(words.say(SECTION, first.coverage_verdict))
    afterwards = "" if first.origin == LIVE else words.say(SECTION, "afterwards")
    head = words.say(
        SECTION, "record", days=horizon.horizon_days, afterwards=afterwards, until=words.day(first.as_of_date)
    )
    return head + words.say(SECTION, "joint").join(parts)


def verdict(words: Words, skill: PublishedSkill) -> str:
    """Better than, no better than, worse than, with the interval."""
    baseline = words.say("baselines", skill.baseline)
    if skill.verdict == "too_few":
        return words.say(SECTION, "too_few", windows=words.number(skill.independent_windows, None, 1))
    bounds = {
        "low": words.signed(skill.lo90_pct or 0.0, None, 0),
        "high": words.signed(skill.hi90_pct or 0.0, None, 0),
        "skill": words.number(abs(skill.skill_pct), None, 0),
    }
    return words.say(SECTION, skill.verdict, baseline=baseline, **bounds)


def crossed(words: Words, horizon_days: int, before: Chances, now: Chances, line_in_hundred: int) -> str:
    """That the chance of a close below a price went over a line, or under it, since the day before."""
    return words.say(
        SECTION,
        "crossed_up" if now.prob_close_below > before.prob_close_below else "crossed_down",
        price=words.money(now.strike_usd),
        days=horizon_days,
        line=line_in_hundred,
        often=in_hundred(words, now.prob_close_below),
        before=in_hundred(words, before.prob_close_below),
    )


def in_hundred(words: Words, chance: float) -> str:
    """How often in a hundred, in whole numbers; under 1 and over 99 at the ends."""
    if chance < 0.01:
        return words.say(SECTION, "under_one")
    if chance > 0.99:
        return words.say(SECTION, "over_ninety_nine")
    return words.say(SECTION, "in_hundred", often=round(100 * chance))


def table(words: Words, forecast: PublishedForecast) -> Iterator[tuple[str, ...]]:
    """Rows of the level and the cluster by horizon: days, price, close below, touch, holds or stays below."""
    for horizon in forecast.horizons:
        for chances in horizon.chances:
            if chances.role == "round":
                continue
            kept = chances.prob_holds if chances.side == "from_above" else chances.prob_stays_below
            price = words.money(chances.strike_usd) if chances.strike_usd is not None else ""
            yield (
                str(horizon.horizon_days),
                f"{words.say('forecast_roles', chances.role)} {price}".strip(),
                in_hundred(words, chances.prob_close_below),
                words.say(SECTION, "unknown") if chances.prob_touch is None else in_hundred(words, chances.prob_touch),
                words.say(SECTION, "unknown")
                if kept is None
                else f"{words.say(SECTION, 'kept_' + chances.side)} {in_hundred(words, kept)}",
            )
