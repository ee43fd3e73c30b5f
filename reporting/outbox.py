"""Sends events through apprise, each once: also when two runs find it, and after a crash in the middle.

The journal `alerts.jsonl` has a line before a message goes out and one after. A message whose outcome was never
written down is not sent again, for it may have arrived; one that was refused is tried at the next run.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from reporting.alerts import Alert

SENDING: Final = "sending"
SENT: Final = "sent"
REFUSED: Final = "refused"


class AlertError(Exception):
    """An alert cannot be sent as configured; the message says what to do and never shows the address."""


@dataclass(frozen=True)
class Delivery:
    """What became of the events: which are new, and whether they arrived. `arrived` None: there was nothing to send."""

    new: Sequence[Alert]
    arrived: bool | None


class Outbox:
    """The journal of one home and the addresses that it sends to.

    `addresses` is one or several apprise URLs, separated by commas or spaces.
    """

    def __init__(self, journal: Path, addresses: str) -> None:
        self._journal = journal
        self._addresses = addresses

    def pending(self, events: Sequence[Alert]) -> list[Alert]:
        """Those of the events that were not told yet."""
        told = told_before(self._journal)
        return [event for event in events if event.event_id not in told]

    def send(self, events: Sequence[Alert]) -> Delivery:
        """Send what was not told yet as one message. Raises AlertError for an address that apprise does not know."""
        with self._locked() as journal:
            new = self.pending(events)
            if not new:
                return Delivery((), None)
            # Imported here: apprise knows a hundred services, and most commands need none of them.
            from apprise import Apprise

            service = Apprise()
            if not service.add(self._addresses):
                raise AlertError(
                    "LEADLINE_ALERT_URL names a service that apprise does not know. Its documentation lists them, "
                    "such as mailto://, slack://, tgram://, discord:// or json:// for a webhook of your own."
                )
            _note(journal, new, SENDING)
            arrived = bool(service.notify(title=_title(new), body="\n\n".join(event.text for event in new)))
            _note(journal, new, SENT if arrived else REFUSED)
            return Delivery(tuple(new), arrived)

    @contextmanager
    def _locked(self) -> Iterator[TextIO]:
        """The journal, opened to append, for one process at a time."""
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        with self._journal.open("a", encoding="utf-8") as journal:
            fcntl.flock(journal, fcntl.LOCK_EX)
            yield journal


def told_before(journal: Path) -> set[str]:
    """Ids of the events that were sent or may have been: all but those that were refused last."""
    return {event_id for event_id, entry in _latest(journal).items() if entry["state"] != REFUSED}


def _latest(journal: Path) -> dict[str, Any]:
    if not journal.exists():
        return {}
    # A crash can cut the last line short; what it would have said is covered by the line before it.
    lines = [line for line in journal.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
    return {entry["event_id"]: entry for entry in map(json.loads, lines)}


def _note(journal: TextIO, events: Sequence[Alert], state: str) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    for event in events:
        line = {"event_id": event.event_id, "state": state, "at": at, "title": event.title}
        journal.write(json.dumps(line, ensure_ascii=False) + "\n")
    journal.flush()
    os.fsync(journal.fileno())


def _title(events: Sequence[Alert]) -> str:
    first, *others = events
    return f"Leadline: {first.title}" + (f" (and {len(others)} more)" if others else "")
