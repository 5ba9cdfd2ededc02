from __future__ import annotations

import json

from components.pusher.history import (
    FOUND,
    GONE,
    PUBLISHED,
    PUSH,
    RETENTION,
    ROLLBACK,
    ROLLED_BACK,
    known_versions,
    new_event,
    read_lines,
    to_line,
)


def test_an_event_has_its_time_and_its_user() -> None:
    """Each event is one line of JSON that says when and who, and reads as what was written."""
    event = new_event(ROLLBACK, to=4, withdrawn=[5], why="bad\nat “night”")
    assert to_line(event).count("\n") == 1
    assert read_lines([to_line(event)]) == [event]
    assert event["time"].endswith("+00:00")
    assert "@" in event["who"]


def test_lines_that_are_none_are_left_out() -> None:
    """A line that a crash cut short, or that is of another form, costs no other line."""
    event = new_event(PUSH, version=1, digest="a")
    lines = ["", "\n", to_line(event)[:-9], "[]", "null", '{"time": "now", "event": "push"}', to_line(event)]
    assert read_lines(lines) == [event]


def test_the_last_event_of_a_version_counts() -> None:
    """Pushed, rolled back, restored, removed: the state is the last one, the digest that of the push."""
    events = [
        new_event(PUSH, version=1, digest="a"),
        new_event(PUSH, version=2, digest="b"),
        new_event(PUSH, version=3, digest="c"),
        new_event(PUSH, version=4, digest="d"),
        new_event(ROLLBACK, to=2, withdrawn=[3, 4], why="dark"),
        new_event(ROLLBACK, to=3, withdrawn=[], why=None),
        new_event(RETENTION, removed=[1]),
        new_event(FOUND, version=9, state=PUBLISHED, digest=None),
    ]
    known = known_versions(json.loads(json.dumps(events)))
    assert {version: facts.state for version, facts in known.items()} == {
        1: GONE,
        2: PUBLISHED,
        3: PUBLISHED,
        4: ROLLED_BACK,
        9: PUBLISHED,
    }
    assert [known[version].digest for version in (1, 2, 3, 4, 9)] == ["a", "b", "c", "d", None]
    assert known[4].why == "dark"
    assert known[3].since > known[4].since


def test_what_was_rolled_back_stays_so_once_it_is_removed() -> None:
    """Its files may be deleted; that nobody wants it is not forgotten."""
    events = [
        new_event(PUSH, version=1, digest="a"),
        new_event(ROLLBACK, to=0, withdrawn=[1], why="dark"),
        new_event(RETENTION, removed=[1]),
    ]
    assert (known_versions(events)[1].state, known_versions(events)[1].why) == (ROLLED_BACK, "dark")
