"""What differs between the board of a date and that of the day before, in sentences."""

from collections.abc import Iterator

from reporting.board import Board
from reporting.localization import Words


def changes(words: Words, today: Board, yesterday: Board) -> list[str]:
    """Verdict, regime, price, level, buckets, conditions: what changed, most important first; always the regime."""
    return [
        *_verdict(words, today, yesterday),
        *_regime(words, today, yesterday),
        *_price(words, today, yesterday),
        *_buckets(words, today, yesterday),
        *_conditions(words, today, yesterday),
    ]


def _verdict(words: Words, today: Board, yesterday: Board) -> Iterator[str]:
    for section, before, after in (
        ("positions", yesterday.regime.position, today.regime.position),
        ("evidence", yesterday.regime.evidence_for_level, today.regime.evidence_for_level),
    ):
        if before != after:
            said = {"before": words.say(section, before), "after": words.say(section, after)}
            yield words.label("became", what=words.label("verdict"), **said)


def _regime(words: Words, today: Board, yesterday: Board) -> Iterator[str]:
    before, after = (words.say("regimes", board.regime.regime) for board in (yesterday, today))
    if before == after:
        days = (today.signal_date - today.regime.since).days + 1
        yield words.label("regime_same", regime=after, days=words.label("days", days=days))
    else:
        yield words.label("became", what=words.label("regime"), before=before, after=after)


def _price(words: Words, today: Board, yesterday: Board) -> Iterator[str]:
    before, after = yesterday.regime, today.regime
    if before.btc_close_usd and after.btc_close_usd:
        change = 100 * (after.btc_close_usd / before.btc_close_usd - 1)
        yield words.label(
            "became_by",
            what=words.label("close"),
            before=words.money(before.btc_close_usd),
            after=words.money(after.btc_close_usd),
            change=words.signed(change, "%", 1),
        )
    if before.level_usd and after.level_usd and before.level_usd != after.level_usd:
        levels = {"before": words.money(before.level_usd), "after": words.money(after.level_usd)}
        yield words.label("became", what=words.label("level"), **levels)


def _buckets(words: Words, today: Board, yesterday: Board) -> Iterator[str]:
    states = {bucket.bucket: bucket.state for bucket in yesterday.buckets}
    changed = [bucket for bucket in today.buckets if states.get(bucket.bucket, bucket.state) != bucket.state]
    for bucket in changed:
        yield words.label(
            "became",
            what=words.say("short", bucket.bucket),
            before=words.say("states", states[bucket.bucket]),
            after=words.say("states", bucket.state),
        )
    if not changed:
        yield words.label("buckets_same")


def _conditions(words: Words, today: Board, yesterday: Board) -> Iterator[str]:
    for name, condition in today.conditions.items():
        before = yesterday.conditions[name].holds
        if before != condition.holds:
            yield words.label(
                "became",
                what=f"{name} {words.say('conditions', name)}",
                before=words.truth(before),
                after=words.truth(condition.holds),
            )
