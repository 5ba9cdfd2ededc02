from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.errors import StageError
from components.pusher.history import PUSH, new_event
from components.pusher.local_directory import LocalDirectory
from components.pusher.manifest import Manifest, manifest_of
from components.pusher.naming import MANIFEST

STAGE = """
import sys, time
from pathlib import Path
from components.pusher.local_directory import LocalDirectory
from components.pusher.manifest import manifest_of

servable, serving = Path(sys.argv[1]), LocalDirectory(Path(sys.argv[2]))
with serving.staged(servable, manifest_of(servable)):
    print("staged", flush=True)
    time.sleep(60)
"""


def content(directory: Path) -> dict[str, bytes | None]:
    """Files and directories, but for the manifest."""
    paths = {str(path.relative_to(directory)): path for path in directory.rglob("*")}
    manifest = (MANIFEST, os.path.dirname(MANIFEST))
    return {name: path.read_bytes() if path.is_file() else None for name, path in paths.items() if name not in manifest}


def put(serving: LocalDirectory, servable: Path, version: int) -> bool:
    """Publishes without anything around it."""
    with serving.staged(servable, manifest_of(servable)) as commit, serving.exclusive():
        return commit(version)


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """The system refuses to let any file grow beyond 1,000 bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_version_is_the_whole_servable_and_its_manifest(servable: Path, serving: LocalDirectory) -> None:
    """The version holds every file and directory, empty ones too, and a manifest that it is checked against."""
    assert put(serving, servable, 7)
    version = serving.path / "7"
    assert content(version) == content(servable)
    assert None in content(servable).values()
    assert Manifest.from_json((version / MANIFEST).read_bytes()).files == manifest_of(servable).files
    assert sorted(path.name for path in serving.path.iterdir()) == [".lock", "7"]
    assert serving.damage(7) is None


def test_a_number_that_is_taken_is_not_used(servable: Path, serving: LocalDirectory) -> None:
    """Whatever has the name already, directory or file, is neither replaced nor filled."""
    (serving.path / "7").mkdir(parents=True)
    (serving.path / "8").write_text("a file")
    with serving.staged(servable, manifest_of(servable)) as commit:
        assert [commit(version) for version in (7, 8, 9)] == [False, False, True]
    assert list((serving.path / "7").iterdir()) == []
    assert (serving.path / "8").read_text() == "a file"


def test_only_numbers_are_versions(serving: LocalDirectory) -> None:
    """Hidden and foreign directories, and files, are no versions; numbers are in their order; files take one too."""
    for name in (".staging-0", "tmp-17", "17.partial", "-5", "v2", "007", "9", "10", ".rolled-back-8"):
        (serving.path / name).mkdir(parents=True)
    (serving.path / "12").write_text("a file")
    assert serving.versions() == [9, 10]
    assert serving.rolled_back() == [8]
    assert sorted(serving.taken()) == [8, 9, 10, 12]


def test_without_a_directory_there_is_nothing(tmp_path: Path) -> None:
    """A serving directory that is not there, or is a file, has no versions and no history; looking makes nothing."""
    (tmp_path / "file").touch()
    for name in ("missing", "file"):
        serving = LocalDirectory(tmp_path / name)
        assert (serving.versions(), serving.rolled_back(), serving.taken()) == ([], [], [])
    assert LocalDirectory(tmp_path / "missing").events() == []
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("variables/variables.index", "variables/variables.index is missing"),
        ("saved_model.pb", "saved_model.pb is missing"),
        ("assets/extra.txt", "assets/extra.txt is not in its manifest"),
        ("fingerprint.pb", "fingerprint.pb has other bytes than were written"),
    ],
)
def test_damage_is_found(name: str, damage: str, servable: Path, serving: LocalDirectory) -> None:
    """A file that is lost, added or changed by a bit is named; also in a version that was rolled back."""
    put(serving, servable, 7)
    file = serving.path / "7" / name
    if "missing" in damage:
        file.unlink()
    elif "not in" in damage:
        file.touch()
    else:
        file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    assert serving.damage(7) == damage
    assert serving.digest(7) != serving.stated_digest(7)
    serving.withdraw(7)
    assert serving.damage(7) == damage


def test_a_version_without_a_manifest_needs_a_graph(serving: LocalDirectory) -> None:
    """What was put there by hand is checked as far as it can be."""
    (serving.path / "7").mkdir(parents=True)
    assert serving.damage(7) == "saved_model.pb is missing"
    assert serving.damage(8) == f"No such file or directory ({serving.path / '.rolled-back-8'})"
    (serving.path / "7" / "saved_model.pb").touch()
    assert serving.damage(7) is None
    assert serving.stated_digest(7) is None


def test_a_copy_that_differs_is_not_published(servable: Path, serving: LocalDirectory) -> None:
    """Where the files are not what they were when they were first read, the push fails and leaves nothing."""
    manifest = manifest_of(servable)
    (servable / "saved_model.pb").write_bytes(b"grapf")
    with pytest.raises(
        StageError, match=r"is not what it should be: saved_model\.pb has other bytes than were written"
    ):
        serving.staged(servable, manifest).__enter__()
    assert [path.name for path in serving.path.iterdir()] == [".lock"]


def test_a_copy_that_fails_leaves_nothing(servable: Path, serving: LocalDirectory) -> None:
    """A write that fails half-way is an OSError, and no part of the version stays."""
    manifest = manifest_of(servable)
    with full_disk(), pytest.raises(OSError, match="File too large"):
        serving.staged(servable, manifest).__enter__()
    assert [path.name for path in serving.path.iterdir()] == [".lock"]


def test_a_place_that_cannot_be_written_is_an_error(servable: Path, tmp_path: Path) -> None:
    """A serving directory that is a file is an OSError, and stays as it is."""
    (tmp_path / "serving").write_text("a file")
    with pytest.raises(OSError, match="serving"):
        put(LocalDirectory(tmp_path / "serving"), servable, 7)
    assert (tmp_path / "serving").read_text() == "a file"


def test_what_dead_pushers_left_is_removed_and_a_living_one_left_alone(servable: Path, serving: LocalDirectory) -> None:
    """Half copies without a living pusher, half deleted versions and half written files go with the next change."""
    serving.path.mkdir(parents=True)
    command = [sys.executable, "-c", STAGE, str(servable), str(serving.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pusher:
        try:
            assert pusher.stdout is not None
            assert pusher.stdout.readline() == "staged\n"
            living = {path.name for path in serving.path.glob(".staging-*")}
            assert len(living) == 2
            for name in (".staging-old", ".removed-5"):
                shutil.copytree(servable, serving.path / name)
            for name in (".staging-dead.lock", ".writing-0", ".staging-older.lock"):
                (serving.path / name).touch()
            (serving.path / ".staging-older").mkdir()
            with serving.exclusive():
                assert {path.name for path in serving.path.iterdir()} == {".lock", *living}
        finally:
            pusher.send_signal(signal.SIGKILL)
    assert put(serving, servable, 9)
    assert sorted(path.name for path in serving.path.iterdir()) == [".lock", "9"]


def test_a_change_never_waits_for_a_copy(servable: Path, serving: LocalDirectory) -> None:
    """While one pusher holds its copy, another change is made at once."""
    with serving.staged(servable, manifest_of(servable)) as commit:
        assert put(serving, servable, 7)
        serving.withdraw(7)
        with serving.exclusive():
            assert commit(8)
    assert (serving.versions(), serving.rolled_back()) == ([8], [7])


def test_away_and_back_and_gone(servable: Path, serving: LocalDirectory) -> None:
    """A version that is withdrawn is whole under its other name, and whole again when it is restored."""
    put(serving, servable, 7)
    serving.withdraw(7)
    assert (serving.versions(), serving.rolled_back(), serving.damage(7)) == ([], [7], None)
    serving.restore(7)
    assert (serving.versions(), serving.rolled_back(), serving.damage(7)) == ([7], [], None)
    serving.remove(7)
    put(serving, servable, 8)
    serving.withdraw(8)
    serving.remove(8)
    assert [path.name for path in serving.path.iterdir()] == [".lock"]


def test_no_file_is_deleted_from_a_version_that_is_listed(
    servable: Path, serving: LocalDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time a file is deleted, a poller that looks just then does not find the version that it belongs to."""
    for version in range(3):
        put(serving, servable, version)
    serving.withdraw(0)
    listed: list[list[int]] = []
    unlink = os.unlink

    def look_and_unlink(path: str, *, dir_fd: int | None = None) -> None:
        listed.append(serving.versions())
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", look_and_unlink)
    serving.remove(0)
    num_files = len(listed)
    serving.remove(1)
    assert num_files > 1
    assert listed == [[1, 2]] * num_files + [[2]] * num_files


def test_the_history_survives_a_line_that_was_cut_short(serving: LocalDirectory) -> None:
    """Events come back in their order; after a torn line the next one starts on a line of its own."""
    serving.path.mkdir(parents=True)
    first, second = (new_event(PUSH, version=version, digest="ä") for version in (1, 2))
    serving.record(first)
    with (serving.path / ".history.jsonl").open("ab") as file:
        file.write(b'{"time": "2026-')
    serving.record(second)
    assert serving.events() == [first, second]


def test_files_beside_the_versions_are_replaced_whole(serving: LocalDirectory) -> None:
    """A reader sees the old text or the new one, and nothing half written stays."""
    serving.path.mkdir(parents=True)
    serving.write("models.config", "one")
    with (serving.path / "models.config").open() as reader:
        serving.write("models.config", "two")
        assert reader.read() == "one"
    assert (serving.path / "models.config").read_text() == "two"
    assert [path.name for path in serving.path.iterdir()] == ["models.config"]


def test_a_version_is_at_hand_where_it_lies(servable: Path, serving: LocalDirectory) -> None:
    """A local version is not copied to be read."""
    put(serving, servable, 7)
    with serving.at_hand(7) as directory:
        assert directory == serving.path
