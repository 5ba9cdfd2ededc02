from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import StageError
from components.pusher.history import ROLLBACK
from components.pusher.local_directory import LocalDirectory
from components.pusher.rollback import Rollback, UnknownVersionError, roll_back
from schemas.push import Push
from tests.components.pusher.models import AT_ONCE, NAME, events_of, push_models


class Watched(LocalDirectory):
    """Notes the highest version after each rename, as a poller would see it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.seen: list[int] = []
        self.labels: list[str] = []

    def _rename(self, source: str, target: str) -> None:
        super()._rename(source, target)
        self.seen.append(self.versions()[-1])
        if (self.path / "models.config").exists():
            self.labels.append((self.path / "models.config").read_text())


@pytest.fixture
def published(servable: Path, serving: LocalDirectory) -> list[int]:
    """Five versions."""
    return push_models(serving, servable, *range(5), push=Push(keep=9))


def test_one_step_back_is_one_rename(published: list[int], serving: LocalDirectory) -> None:
    """The version before the live one is live, with its own number; who, when and why are on record."""
    watched = Watched(serving.path)
    rollback = roll_back(watched, AT_ONCE, NAME, why="dark images")
    assert rollback == Rollback(published[4], published[3], (published[4],))
    assert watched.seen == [published[3]]
    assert serving.versions() == published[:4]
    assert serving.rolled_back() == published[4:]
    assert serving.damage(published[4]) is None
    [event] = events_of(serving, ROLLBACK)
    assert event == {"from": published[4], "to": published[3], "withdrawn": published[4:], "why": "dark images"}
    assert "@" in serving.events()[-1]["who"]


def test_many_steps_back_are_one_switch(published: list[int], serving: LocalDirectory) -> None:
    """Until the last rename the highest version is the old live one, then it is the target; never one in between."""
    watched = Watched(serving.path)
    roll_back(watched, AT_ONCE, NAME, to=published[1])
    assert watched.seen == [published[4], published[4], published[1]]
    assert serving.versions() == published[:2]


def test_back_again_and_again(published: list[int], serving: LocalDirectory) -> None:
    """Each rollback goes one further; at the last version there is nothing to go back to, and it stays."""
    live = [roll_back(serving, AT_ONCE, NAME).live for _ in range(4)]
    assert live == published[3::-1]
    with pytest.raises(StageError) as caught:
        roll_back(serving, AT_ONCE, NAME)
    assert str(caught.value) == (
        f"there is no older version in {serving.path} to go back to;"
        f" rolled back before: {', '.join(map(str, published[1:]))}"
    )
    assert serving.versions() == published[:1]


def test_a_rollback_can_be_undone(published: list[int], serving: LocalDirectory) -> None:
    """A version that was rolled back is a target too: as the newest in one rename, else below the live one first."""
    roll_back(serving, AT_ONCE, NAME, to=published[1])
    watched = Watched(serving.path)
    assert roll_back(watched, AT_ONCE, NAME, to=published[4]) == Rollback(published[1], published[4], ())
    assert watched.seen == [published[4]]
    watched.seen.clear()
    assert roll_back(watched, AT_ONCE, NAME, to=published[2]).withdrawn == (published[4],)
    assert watched.seen == [published[4], published[2]]


def test_a_push_after_a_rollback_is_higher(published: list[int], serving: LocalDirectory, servable: Path) -> None:
    """Numbers grow past those that were rolled back, and the rollback's version is what the next one goes back to."""
    roll_back(serving, AT_ONCE, NAME, to=published[1])
    [pushed] = push_models(serving, servable, 77)
    assert pushed > published[4]
    assert roll_back(serving, AT_ONCE, NAME).live == published[1]


def test_the_live_version_is_no_target(published: list[int], serving: LocalDirectory) -> None:
    """Asked for what is live already, nothing is moved and nothing recorded."""
    before = serving.events()
    assert roll_back(serving, AT_ONCE, NAME, to=published[4]) == Rollback(published[4], published[4], ())
    assert serving.events() == before


def test_a_damaged_version_is_never_made_live(published: list[int], serving: LocalDirectory) -> None:
    """It is stepped over, and withdrawn with the rest; asked for by its number it is refused, and nothing moves."""
    (serving.path / str(published[3]) / "saved_model.pb").write_bytes(b"grapf")
    with pytest.raises(StageError, match=rf"version {published[3]} in .+ is damaged: saved_model\.pb has other bytes"):
        roll_back(serving, AT_ONCE, NAME, to=published[3])
    assert serving.versions() == published
    assert roll_back(serving, AT_ONCE, NAME).live == published[2]
    assert serving.rolled_back() == published[3:]


def test_an_unknown_version_lists_the_known(published: list[int], serving: LocalDirectory) -> None:
    """A number that is not there is refused with those that are, and nothing moves."""
    roll_back(serving, AT_ONCE, NAME)
    with pytest.raises(UnknownVersionError) as caught:
        roll_back(serving, AT_ONCE, NAME, to=12)
    assert str(caught.value) == (
        f"{serving.path} has no version 12; published: {', '.join(map(str, published[:4]))};"
        f" rolled back: {published[4]}"
    )
    assert serving.versions() == published[:4]


def test_without_any_version_nothing_is_made(serving: LocalDirectory) -> None:
    """Before the first push there is nothing to roll back, and no directory comes of trying."""
    with pytest.raises(StageError, match="no model has been pushed to"):
        roll_back(serving, AT_ONCE, NAME)
    assert not serving.path.exists()


def test_the_model_server_is_told_before_a_version_goes(published: list[int], serving: LocalDirectory) -> None:
    """At no moment does a label name a version that is not there."""
    watched = Watched(serving.path)
    roll_back(watched, Push(), NAME, to=published[1])
    assert len(watched.labels) == 3
    for text in watched.labels:
        assert f'key: "stable" value: {published[0]}' in text
        assert f'key: "candidate" value: {published[1]}' in text
    roll_back(watched, Push(), NAME, to=published[4])
    assert f'key: "candidate" value: {published[4]}' in (serving.path / "models.config").read_text()


def test_a_rollback_that_is_killed_half_way_can_be_repeated(published: list[int], serving: LocalDirectory) -> None:
    """Where the process dies between renames the old version is live still; the same command does the rest."""

    class Dying(Watched):
        """Dies after the second rename."""

        def _rename(self, source: str, target: str) -> None:
            super()._rename(source, target)
            if len(self.seen) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        roll_back(Dying(serving.path), AT_ONCE, NAME, to=published[1], why="dark images")
    assert serving.versions()[-1] == published[4]
    assert roll_back(serving, AT_ONCE, NAME, to=published[1]) == Rollback(published[4], published[1], (published[4],))
    assert serving.rolled_back() == published[2:]
