from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.pusher.publication import is_newest, publish, versions


@pytest.fixture
def servable(tmp_path: Path) -> Path:
    """A directory like a SavedModel."""
    directory = tmp_path / "servable"
    (directory / "variables").mkdir(parents=True)
    (directory / "assets").mkdir()
    (directory / "saved_model.pb").write_bytes(b"graph")
    (directory / "fingerprint.pb").write_bytes(b"one")
    (directory / "variables" / "variables.index").write_bytes(b"index" * 1000)
    return directory


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    """Where versions go; not there yet."""
    return tmp_path / "models" / "serving"


def content(directory: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None for path in directory.rglob("*")
    }


def test_a_version_is_the_whole_servable(servable: Path, serving: Path) -> None:
    """The version directory holds every file and directory, is called by the time, and nothing else is left."""
    before = int(time.time())
    version = publish(servable, serving)
    assert before <= version <= time.time()
    assert [entry.name for entry in serving.iterdir()] == [str(version)]
    assert content(serving / str(version)) == content(servable)
    assert None in content(servable).values()


def test_the_newest_version_is_known_by_its_fingerprint(servable: Path, serving: Path) -> None:
    """A SavedModel is the newest version only right after it was pushed, not before, nor once another followed."""
    assert not is_newest(servable, serving)
    publish(servable, serving)
    assert is_newest(servable, serving)
    (servable / "fingerprint.pb").write_bytes(b"two")
    assert not is_newest(servable, serving)
    publish(servable, serving)
    assert is_newest(servable, serving)
    (serving / str(versions(serving)[-1]) / "fingerprint.pb").unlink()
    assert not is_newest(servable, serving)


def test_pushes_in_one_second_differ(servable: Path, serving: Path) -> None:
    """However fast pushes follow each other, each has a version of its own, larger than those before."""
    published = [publish(servable, serving) for _ in range(5)]
    assert published == sorted(set(published))
    assert versions(serving) == published


def test_versions_grow_though_the_clock_goes_back(servable: Path, serving: Path) -> None:
    """After a version from the future the next one is still larger, as numbers and not as texts."""
    future = int(time.time()) * 10 + 9
    for version in (future, 9, 10):
        (serving / str(version)).mkdir(parents=True)
    assert versions(serving) == [9, 10, future]
    assert publish(servable, serving) == future + 1


def test_whatever_else_is_there_is_no_version(servable: Path, serving: Path) -> None:
    """Partial copies, hidden and foreign directories, and files are neither listed nor touched."""
    others = [".staging-0", "tmp-1700000000", "1700000000.partial", "-5", "v2", "1.5"]
    for name in others:
        (serving / name).mkdir(parents=True)
    (serving / "1700000001").write_text("a file")
    assert versions(serving) == []
    version = publish(servable, serving)
    assert versions(serving) == [version]
    assert {entry.name for entry in serving.iterdir()} == {*others, "1700000001", str(version)}


def test_a_file_with_the_next_number_is_stepped_over(servable: Path, serving: Path) -> None:
    """A file that has the name of a version is never replaced, and costs no more than its number."""
    future = int(time.time()) + 10_000
    (serving / str(future)).mkdir(parents=True)
    (serving / str(future + 1)).write_text("a file")
    outcome: list[int] = []
    thread = threading.Thread(target=lambda: outcome.append(publish(servable, serving)), daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert outcome == [future + 2]
    assert (serving / str(future + 1)).read_text() == "a file"


def test_without_a_directory_there_are_no_versions(tmp_path: Path) -> None:
    """A serving directory that is not there, or is a file, has none."""
    (tmp_path / "file").touch()
    assert versions(tmp_path / "missing") == []
    assert versions(tmp_path / "file") == []


@contextmanager
def full_disk() -> Iterator[None]:
    """The system refuses to let any file grow beyond 1,000 bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_copy_that_fails_leaves_nothing(servable: Path, serving: Path) -> None:
    """A write that fails half-way is an OSError, and no part of the version stays."""
    (serving / "7").mkdir(parents=True)
    with full_disk(), pytest.raises(OSError, match="File too large"):
        publish(servable, serving)
    assert [entry.name for entry in serving.iterdir()] == ["7"]


def test_a_servable_that_is_not_there_leaves_nothing(tmp_path: Path, serving: Path) -> None:
    """A missing source is an OSError, and nothing is published."""
    with pytest.raises(OSError, match="missing"):
        publish(tmp_path / "missing", serving)
    assert list(serving.iterdir()) == []


def test_a_place_that_cannot_be_written_is_an_error(servable: Path, tmp_path: Path) -> None:
    """A serving directory that is a file is an OSError, and stays as it is."""
    (tmp_path / "serving").write_text("a file")
    with pytest.raises(OSError, match="serving"):
        publish(servable, tmp_path / "serving")
    assert (tmp_path / "serving").read_text() == "a file"


def test_pushers_at_once_do_not_meet(servable: Path, serving: Path) -> None:
    """Of many pushers at the same moment each gets a whole version of its own."""
    num_pushers, rounds = 8, 6
    barrier = threading.Barrier(num_pushers)
    published: list[int] = []

    def push() -> None:
        for _ in range(rounds):
            barrier.wait(timeout=20)
            published.append(publish(servable, serving))

    threads = [threading.Thread(target=push, daemon=True) for _ in range(num_pushers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(published) == num_pushers * rounds
    assert sorted(published) == versions(serving)
    assert len(set(published)) == len(published)
    assert all(content(serving / str(version)) == content(servable) for version in published)
    assert len(os.listdir(serving)) == len(published)


def test_a_poller_never_sees_a_part(servable: Path, serving: Path) -> None:
    """Whenever a version is listed, all of it is there."""
    for index in range(60):
        (servable / f"file-{index:03d}").write_bytes(b"x")
    expected = len(content(servable))
    serving.mkdir(parents=True)
    ended = threading.Event()
    partial: list[int] = []

    def poll() -> None:
        while not ended.is_set():
            partial.extend(version for version in versions(serving) if len(content(serving / str(version))) != expected)

    poller = threading.Thread(target=poll, daemon=True)
    poller.start()
    for _ in range(4):
        publish(servable, serving)
    ended.set()
    poller.join(timeout=60)
    assert partial == []
