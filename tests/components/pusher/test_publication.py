from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from components.pusher.history import FOUND, PUSH, RETENTION
from components.pusher.local_directory import LocalDirectory
from components.pusher.publication import publish, reconcile, standing_of
from components.pusher.rollback import roll_back
from schemas.push import Push
from tests.components.pusher.models import AT_ONCE, NAME, events_of, push_model, push_models, write_servable


def test_a_version_is_called_by_the_time(servable: Path, serving: LocalDirectory) -> None:
    """The number is the time in seconds; the history has the push, and nothing else is left but what belongs there."""
    before = int(time.time())
    publication = publish(servable, serving, Push(), NAME)
    assert publication.pushed
    assert before <= publication.version <= time.time()
    names = sorted(path.name for path in serving.path.iterdir())
    assert names == [".history.jsonl", ".lock", str(publication.version), "models.config"]
    digest = serving.digest(publication.version)
    assert events_of(serving, PUSH) == [{"version": publication.version, "digest": digest}]


def test_pushes_in_one_second_differ(servable: Path, serving: LocalDirectory) -> None:
    """However fast pushes follow each other, each has a version of its own, larger than those before."""
    published = push_models(serving, servable, *range(5), push=Push(keep=9))
    assert published == sorted(set(published))
    assert serving.versions() == published


def test_versions_grow_though_the_clock_goes_back(servable: Path, serving: LocalDirectory) -> None:
    """After a version from the future the next one is still larger, as numbers and not as texts."""
    future = int(time.time()) * 10 + 9
    for version in (future, 9, 10):
        (serving.path / str(version)).mkdir(parents=True)
    assert push_models(serving, servable, 1) == [future + 1]


def test_numbers_are_never_used_again(servable: Path, serving: LocalDirectory) -> None:
    """Not those of versions that were rolled back, nor of those that are long deleted, nor of files."""
    future = int(time.time()) + 10_000
    (serving.path / f".rolled-back-{future}").mkdir(parents=True)
    assert push_models(serving, servable, 1) == [future + 1]
    shutil.rmtree(serving.path / str(future + 1))
    assert push_models(serving, servable, 2) == [future + 2]
    (serving.path / str(future + 3)).write_text("a file")
    assert push_models(serving, servable, 3) == [future + 4]
    assert (serving.path / str(future + 3)).read_text() == "a file"


def test_a_model_that_is_live_is_not_pushed_again(servable: Path, serving: LocalDirectory) -> None:
    """The same files are the same model, however often they are pushed; once another followed they are new again."""
    assert standing_of(servable, serving).is_new
    first = push_model(serving, servable, 1)
    again = push_model(serving, servable, 1)
    assert (again.version, again.pushed) == (first.version, False)
    assert standing_of(servable, serving).describe() is None
    push_model(serving, servable, 2)
    third = push_model(serving, servable, 1)
    assert third.pushed
    assert third.version > first.version


def test_a_damaged_live_version_is_pushed_anew(servable: Path, serving: LocalDirectory) -> None:
    """A version with a changed byte is not the model any more."""
    first = push_model(serving, servable, 1)
    (serving.path / str(first.version) / "saved_model.pb").write_bytes(b"grapf")
    assert standing_of(servable, serving).is_new
    second = push_model(serving, servable, 1)
    assert second.pushed
    assert serving.damage(second.version) is None


def test_a_model_that_was_rolled_back_is_not_pushed_by_itself(servable: Path, serving: LocalDirectory) -> None:
    """It stays away, also once its files are deleted, and a person is told when, by whom, why, and what to do."""
    first, second = push_models(serving, servable, 1, 2)
    roll_back(serving, AT_ONCE, NAME, why="dark images")
    again = push_model(serving, servable, 2)
    assert (again.version, again.pushed, serving.versions()) == (second, False, [first])
    told = standing_of(servable, serving).describe()
    assert told is not None
    assert f"this model is version {second}, which was rolled back on 2" in told
    assert told.splitlines()[0].endswith(": dark images")
    assert f"rollback EXPERIMENT --to {second}" in told
    shutil.rmtree(serving.path / f".rolled-back-{second}")
    assert not push_model(serving, servable, 2).pushed
    assert push_model(serving, servable, 3).pushed


def test_a_model_that_was_taken_back_again_is_live(servable: Path, serving: LocalDirectory) -> None:
    """Undoing a rollback makes the model live, and once superseded it may be pushed like any other."""
    _, second = push_models(serving, servable, 1, 2)
    roll_back(serving, AT_ONCE, NAME)
    roll_back(serving, AT_ONCE, NAME, to=second)
    assert push_model(serving, servable, 2).version == second
    push_model(serving, servable, 3)
    assert push_model(serving, servable, 2).pushed


def test_the_newest_versions_are_kept(servable: Path, serving: LocalDirectory) -> None:
    """Of many pushes the last three stay, the rest goes, and the history names what went."""
    published = push_models(serving, servable, *range(6))
    assert serving.versions() == published[-3:]
    removed = [version for event in events_of(serving, RETENTION) for version in event["removed"]]
    assert removed == published[:-3]
    assert not [path for path in serving.path.iterdir() if path.name.startswith(".removed")]


def test_a_version_stays_while_servers_may_be_loading_it(servable: Path, serving: LocalDirectory) -> None:
    """What was replaced a moment ago is kept beyond the number; with the next push after that time it goes."""
    push = Push(keep=1, grace_seconds=60, model_server=None)
    published = push_models(serving, servable, 1, 2, 3, push=push)
    assert serving.versions() == published
    time.sleep(0.6)
    push = Push(keep=1, grace_seconds=0.5, model_server=None)
    assert publish(servable, serving, push, NAME).version == published[-1]
    assert serving.versions() == published[-1:]


def test_a_version_that_a_rollback_made_live_has_its_time_too(servable: Path, serving: LocalDirectory) -> None:
    """It counts from when it was replaced, not from when it was pushed."""
    push = Push(keep=1, grace_seconds=2, model_server=None)
    first, _ = push_models(serving, servable, 1, 2, push=push)
    roll_back(serving, push, NAME)
    time.sleep(2.1)
    third = push_model(serving, servable, 3, push).version
    assert serving.versions() == [first, third]


def test_what_is_live_by_a_rollback_is_kept(servable: Path, serving: LocalDirectory) -> None:
    """However few are to be kept, the live version and the newest ones that were rolled back stay."""
    published = push_models(serving, servable, *range(5), push=Push(keep=9))
    roll_back(serving, AT_ONCE, NAME, to=published[0])
    keep_one = Push(keep=1, grace_seconds=0, model_server=None)
    publish(write_servable(servable, 0), serving, keep_one, NAME)
    assert serving.versions() == published[:1]
    assert serving.rolled_back() == published[-1:]


def test_the_last_whole_version_is_kept(servable: Path, serving: LocalDirectory) -> None:
    """While the versions to keep are all damaged, nothing older is deleted; a whole one more ends that."""
    keep_one = Push(keep=1, grace_seconds=0, model_server=None)
    first, second, third = push_models(serving, servable, 1, 2, 3)
    roll_back(serving, AT_ONCE, NAME)
    (serving.path / str(second) / "saved_model.pb").write_bytes(b"grapf")
    assert not publish(servable, serving, keep_one, NAME).pushed
    assert (serving.versions(), serving.rolled_back()) == ([first, second], [third])
    assert push_models(serving, servable, 4, push=keep_one) == serving.versions()


def test_the_model_server_is_told_of_every_change(servable: Path, serving: LocalDirectory) -> None:
    """Each push moves the labels; what the file names is there."""
    push = Push(keep=2, grace_seconds=0)
    published = push_models(serving, servable, 1, 2, 3, push=push)
    text = (serving.path / "models.config").read_text()
    assert f'key: "stable" value: {published[1]}' in text
    assert f'key: "candidate" value: {published[2]}' in text
    assert serving.versions() == published[1:]


def test_the_history_is_brought_up_to_what_is_there(servable: Path, serving: LocalDirectory) -> None:
    """What was put, moved or deleted by hand, or by a process that died, is written down as it is found."""
    first, second, third = push_models(serving, servable, 1, 2, 3)
    shutil.copytree(write_servable(servable, 9), serving.path / "5")
    shutil.rmtree(serving.path / str(first))
    (serving.path / str(third)).rename(serving.path / f".rolled-back-{third}")
    reconcile(serving)
    digest = serving.digest(5)
    assert [(event["version"], event["state"]) for event in events_of(serving, FOUND)] == [
        (5, "published"),
        (third, "rolled_back"),
        (first, "gone"),
    ]
    assert events_of(serving, FOUND)[0]["digest"] == digest
    reconcile(serving)
    assert len(events_of(serving, FOUND)) == 3
    assert not publish(write_servable(servable, 3), serving, AT_ONCE, NAME).pushed
    assert serving.versions() == [5, second]


def test_a_servable_that_is_not_there_leaves_nothing(tmp_path: Path, serving: LocalDirectory) -> None:
    """A missing source is an OSError, and nothing is published."""
    with pytest.raises(OSError, match="missing"):
        publish(tmp_path / "missing", serving, Push(), NAME)
    assert not serving.path.exists()


def test_pushers_at_once_do_not_meet(tmp_path: Path, serving: LocalDirectory) -> None:
    """Of many pushers at the same moment each gets a whole version of its own."""
    num_pushers, rounds = 6, 3
    barrier = threading.Barrier(num_pushers)
    published: list[int] = []

    def push(number: int) -> None:
        for turn in range(rounds):
            servable = write_servable(tmp_path / f"servable-{number}", number * rounds + turn)
            barrier.wait(timeout=30)
            published.append(publish(servable, serving, Push(), NAME).version)

    threads = [threading.Thread(target=push, args=(number,), daemon=True) for number in range(num_pushers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(published) == serving.versions()
    assert len(set(published)) == num_pushers * rounds
    assert not [serving.damage(version) for version in published if serving.damage(version)]
    assert not [path for path in serving.path.iterdir() if path.name.startswith(".staging")]
