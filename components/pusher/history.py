"""The history of a serving directory: one event after the other, and what they say of each version.

What lies in the directory is the truth; the history says since when, who and why. Where a process dies between the two,
or someone moves a version by hand, the next push or rollback writes down what it found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from components.identity import who

Event = dict[str, Any]

PUSH = "push"
ROLLBACK = "rollback"
RETENTION = "retention"
FOUND = "found"

PUBLISHED = "published"
ROLLED_BACK = "rolled_back"
GONE = "gone"


@dataclass(frozen=True)
class Known:
    """What the last event that concerns a version says of it."""

    state: str
    """`published`; `rolled_back`, also once its files are removed; or `gone`."""
    since: datetime
    """When it was published, taken back or removed; for a rollback's target, when it was made live again."""
    who: str | None
    why: str | None
    digest: str | None
    """Of its files."""


def new_event(kind: str, **details: Any) -> Event:
    """An event of now, by this user."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        "event": kind,
        "who": who(),
        **details,
    }


def to_line(event: Event) -> str:
    """One line of JSON."""
    return json.dumps(event, ensure_ascii=False) + "\n"


def read_lines(lines: Iterable[str]) -> list[Event]:
    """Events, oldest first; a line that was cut short by a crash is left out."""
    events = []
    for line in lines:
        try:
            event = json.loads(line)
            datetime.fromisoformat(event["time"])
            events.append({"who": None, **event, "event": event["event"]})
        except (ValueError, TypeError, KeyError):
            continue
    return events


def known_versions(events: Iterable[Event]) -> dict[int, Known]:
    """What the events say of each version that was ever there."""
    known: dict[int, Known] = {}

    def note(event: Event, version: int, state: str, digest: str | None = None) -> None:
        before = known.get(version)
        known[version] = Known(
            state,
            datetime.fromisoformat(event["time"]),
            event["who"],
            event.get("why"),
            digest or (before.digest if before else None),
        )

    for event in events:
        kind = event["event"]
        if kind == PUSH:
            note(event, event["version"], PUBLISHED, event["digest"])
        elif kind == FOUND:
            note(event, event["version"], event["state"], event["digest"])
        elif kind == RETENTION:
            for version in event["removed"]:
                if version not in known or known[version].state != ROLLED_BACK:
                    note(event, version, GONE)
        elif kind == ROLLBACK:
            note(event, event["to"], PUBLISHED)
            for version in event["withdrawn"]:
                note(event, version, ROLLED_BACK)
    return known
