"""A page a signal and a page a bucket, and the lists of both."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import numpy as np
import orjson

from reporting.board import Board
from reporting.localization import LANGUAGES, Words
from reporting.published import PublishedWarehouse
from reporting.site.folder import Folder
from reporting.site.frame import Edition, render
from reporting.site.place import Place
from reporting.site.series import SignalDefinition, SignalHistory, read_signals

QUANTILES: Final = (0, 5, 25, 50, 75, 95, 100)
FRAME: Final = (640, 520)  # width and height of an embedded chart, in pixels


def put_signal_pages(
    folder: Folder,
    warehouse: PublishedWarehouse,
    board: Board,
    histories: Sequence[SignalHistory],
    edition: Edition,
    method: str,
) -> None:
    """Write the pages of signals and buckets in every language."""
    signals = read_signals(warehouse)
    known = {history.signal.signal_id: history for history in histories}
    rules = _rules(warehouse, board.signal_date)
    licences = {row["dataset_id"]: row["licence"] for row in warehouse.sources()}
    states = _states(warehouse)
    for language in LANGUAGES:
        words = Words(language, binds_units=True)
        _put_list(folder, Place(language, "signals/", edition.base), edition, words, board, signals)
        for signal in signals:
            place = Place(language, f"signals/{signal.signal_id}/", edition.base)
            used = [rule for rule in rules if rule["signal_id"] == signal.signal_id]
            page = signal_page(
                place, edition, words, board, signal, known.get(signal.signal_id), used, licences, method
            )
            folder.put(place.file_name, page)
            if signal.signal_id in known:
                _put_embedded(folder, place, edition, words, board, signal)
        _put_buckets(folder, language, edition, words, board, signals, rules, states)


def signal_page(
    place: Place,
    edition: Edition,
    words: Words,
    board: Board,
    signal: SignalDefinition,
    history: SignalHistory | None,
    rules: Sequence[Mapping[str, Any]],
    licences: Mapping[str, str],
    method: str,
) -> str:
    """The page of one signal; without a history where no value is known or may be passed on."""
    name = name_of(signal, words)
    observed = history.observed if history else []
    values = [point.value for point in observed if point.value is not None]
    quantiles = dict(zip(QUANTILES, np.percentile(values, QUANTILES).tolist(), strict=True)) if values else {}
    datasets = [each.strip() for each in (signal.datasets or "").split(",") if each.strip()]
    providers = [words.say("providers", provider) for provider in (history.providers if history else ())]
    cite = words.say(
        "site",
        "cite_signal",
        provider=words.label("listed").join(providers) or words.label("nothing"),
        name=name,
        date=observed[-1].observed if observed else board.signal_date,
        method=method,
        address=place.address() if place.base else f"/{place.folder}",
    )
    return render(
        "signal",
        place,
        edition,
        title=name,
        description=f"{name}{words.label('colon')}{signal.formula or ''}",
        view_words=words,
        signal=signal,
        board=board,
        name=name,
        history=history,
        observed=observed,
        quantiles=quantiles,
        rules=rules,
        datasets=[(dataset, licences.get(dataset, "")) for dataset in datasets],
        providers=providers,
        cite=cite,
        snippet=_frame(place, signal),
    )


def _put_embedded(
    folder: Folder, place: Place, edition: Edition, words: Words, board: Board, signal: SignalDefinition
) -> None:
    """The chart alone for a frame, and what an embedder asks about it in the words of oEmbed."""
    at = replace(place, folder=f"embed/{signal.signal_id}/")
    name = name_of(signal, words)
    reading = board.readings[signal.signal_id]
    page = render(
        "embed",
        at,
        edition,
        title=name,
        description=name,
        view_words=words,
        folder=place.folder,
        signal_id=signal.signal_id,
        until=board.signal_date,
        cite=words.say("providers", reading.provider) if reading.provider else "",
    )
    folder.put(at.file_name, page)
    answer = {
        "version": "1.0",
        "type": "rich",
        "title": name,
        "provider_name": "Leadline",
        "provider_url": edition.base or "/",
        "html": _frame(place, signal),
        "width": FRAME[0],
        "height": FRAME[1],
    }
    folder.put(at.file_name.replace("index.html", "oembed.json"), orjson.dumps(answer))


def _frame(place: Place, signal: SignalDefinition) -> str:
    """The line of HTML that puts the chart into another page."""
    source = replace(place, folder=f"embed/{signal.signal_id}/").address()
    address = source if place.base else f"/{source}"
    width, height = FRAME
    return f'<iframe src="{address}" width="{width}" height="{height}" style="border:0" title="Leadline"></iframe>'


def name_of(signal: SignalDefinition, words: Words) -> str:
    """A signal's name in the reader's language."""
    return signal.name_zh if words.language == "zh" else signal.name_en


def _put_list(
    folder: Folder, place: Place, edition: Edition, words: Words, board: Board, signals: Sequence[SignalDefinition]
) -> None:
    page = render(
        "signals",
        place,
        edition,
        title=words.say("site", "signals"),
        description=words.say("site", "signals"),
        view_words=words,
        signals=signals,
        board=board,
    )
    folder.put(place.file_name, page)


def _put_buckets(
    folder: Folder,
    language: str,
    edition: Edition,
    words: Words,
    board: Board,
    signals: Sequence[SignalDefinition],
    rules: Sequence[Mapping[str, Any]],
    states: Mapping[str, Mapping[str, int]],
) -> None:
    place = Place(language, "buckets/", edition.base)
    title = words.say("site", "buckets")
    page = render("buckets", place, edition, title=title, description=title, view_words=words, board=board)
    folder.put(place.file_name, page)
    for bucket in board.buckets:
        place = Place(language, f"buckets/{bucket.bucket}/", edition.base)
        title = words.say("buckets", bucket.bucket)
        own = [rule for rule in rules if rule["target_id"] == bucket.bucket]
        page = render(
            "bucket",
            place,
            edition,
            title=title,
            description=title,
            view_words=words,
            board=board,
            bucket=bucket,
            signals=[signal for signal in signals if signal.bucket == bucket.bucket],
            rules=own,
            states=states.get(bucket.bucket, {}),
        )
        folder.put(place.file_name, page)


def _rules(warehouse: PublishedWarehouse, day: date) -> list[dict[str, Any]]:
    return warehouse.rows(
        """
        select * from marts.dim_rule
        where scope <> 'regime' and $day between valid_from and valid_to
        order by scope, target_id, direction, rule_group, rule_id
        """,
        day=day,
    )


def _states(warehouse: PublishedWarehouse) -> dict[str, dict[str, int]]:
    """On how many days each bucket was in each state."""
    found: dict[str, dict[str, int]] = {}
    for bucket, state, days in warehouse.connection.execute(
        "select bucket, state, count(*) from marts.fct_bucket_daily group by all order by count(*) desc, state"
    ).fetchall():
        found.setdefault(bucket, {})[state] = days
    return found
