from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.errors import StageError
from components.object_store import ObjectStore
from components.pusher.history import PUSH, RETENTION, ROLLBACK
from components.pusher.manifest import Manifest, manifest_of
from components.pusher.naming import MANIFEST
from components.pusher.object_directory import ObjectDirectory
from components.pusher.publication import publish, standing_of
from components.pusher.rollback import UnknownVersionError, roll_back
from schemas.push import Push
from tests.components.pusher.models import AT_ONCE, NAME, events_of, push_models, write_servable
from tests.s3 import BUCKET, s3_server

PUSH_SLOWLY = """
import sys, time
from pathlib import Path
from components.object_store import ObjectStore
from components.pusher.object_directory import ObjectDirectory
from components.pusher.publication import publish
from schemas.push import Push

class Slow(ObjectStore):
    def put(self, file, path):
        super().put(file, path)
        print("put", flush=True)
        time.sleep(60)

publish(Path(sys.argv[1]), ObjectDirectory(Slow(sys.argv[2])), Push(), "flowers")
"""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bucket of a real S3 server; each object is a file below this directory."""
    with pytest.MonkeyPatch.context() as monkeypatch, s3_server(tmp_path_factory.mktemp("s3"), monkeypatch) as root:
        yield root


@pytest.fixture
def place(bucket: Path, tmp_path: Path) -> Path:
    """Where the objects of this test's serving directory lie as files."""
    return bucket / "models" / tmp_path.name


@pytest.fixture
def objects(place: Path, bucket: Path) -> ObjectDirectory:
    """An empty serving directory in the bucket."""
    return ObjectDirectory(ObjectStore(f"s3://{BUCKET}/{place.relative_to(bucket)}"))


def files(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


class Watched(ObjectStore):
    """Notes every object that is written or deleted."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.log: list[str] = []

    def put(self, file: Path, path: str) -> None:
        super().put(file, path)
        self.log.append(f"+{path}")

    def write(self, path: str, content: bytes) -> None:
        super().write(path, content)
        self.log.append(f"+{path}")

    def create(self, path: str, content: bytes) -> None:
        super().create(path, content)
        self.log.append(f"+{path}")

    def remove(self, path: str) -> None:
        super().remove(path)
        self.log.append(f"-{path}")


def test_the_graph_comes_last(servable: Path, objects: ObjectDirectory, place: Path) -> None:
    """All other files and the manifest are there before saved_model.pb; then the claim goes, and the event is kept."""
    watched = Watched(objects.location)
    version = publish(servable, ObjectDirectory(watched), Push(), NAME).version
    claim = f".claim-{version}"
    written = [entry for entry in watched.log if claim not in entry and ".history" not in entry]
    assert written == [
        f"+{version}/fingerprint.pb",
        f"+{version}/variables/variables.index",
        f"+{version}/{MANIFEST}",
        f"+{version}/saved_model.pb",
        "+models.config",
    ]
    assert watched.log[0] == f"+{claim}"
    assert watched.log.index(f"-{claim}") > watched.log.index(f"+{version}/saved_model.pb")
    assert {path.partition("/")[0] for path in files(place)} == {str(version), "models.config", ".history"}
    assert (place / str(version) / "saved_model.pb").read_bytes() == b"graph"
    manifest = Manifest.from_json((place / str(version) / MANIFEST).read_bytes())
    assert manifest.files == manifest_of(servable).files
    assert events_of(objects, PUSH) == [{"version": version, "digest": manifest.digest}]
    assert f'base_path: "{objects.location}"' in (place / "models.config").read_text()


def test_versions_grow_and_are_kept_as_locally(servable: Path, objects: ObjectDirectory, place: Path) -> None:
    """Pushes in one second differ, the last three stay, and the same model is not pushed twice."""
    published = push_models(objects, servable, *range(5))
    assert published == sorted(set(published))
    assert objects.versions() == published[-3:]
    assert {int(path.name) for path in place.glob("[0-9]*") if files(path)} == set(published[-3:])
    assert [version for event in events_of(objects, RETENTION) for version in event["removed"]] == published[:-3]
    assert standing_of(servable, objects).version == published[-1]
    assert not publish(servable, objects, AT_ONCE, NAME).pushed


def test_a_rollback_moves_versions_away_and_back(servable: Path, objects: ObjectDirectory, place: Path) -> None:
    """Those above the target lie whole under other names, and come back whole; the model is not pushed again."""
    published = push_models(objects, servable, *range(3), push=Push(keep=9))
    watched = Watched(objects.location)
    assert roll_back(ObjectDirectory(watched), AT_ONCE, NAME, to=published[0], why="dark").withdrawn == tuple(
        published[1:]
    )
    deleted = [entry for entry in watched.log if entry.startswith("-")]
    assert deleted[0] == f"-{published[1]}/saved_model.pb"
    assert [entry for entry in deleted if "saved_model" in entry][-1] == f"-{published[2]}/saved_model.pb"
    assert (objects.versions(), objects.rolled_back()) == (published[:1], published[1:])
    assert objects.damage(published[2]) is None
    assert not publish(servable, objects, AT_ONCE, NAME).pushed
    assert "dark" in str(standing_of(servable, objects).describe())
    assert roll_back(objects, AT_ONCE, NAME, to=published[2]).live == published[2]
    assert objects.versions() == [published[0], published[2]]
    assert files(place / str(published[2])) == {*manifest_of(servable).files, MANIFEST}
    assert len(events_of(objects, ROLLBACK)) == 2
    with pytest.raises(UnknownVersionError):
        roll_back(objects, AT_ONCE, NAME, to=5)


def test_a_number_is_claimed_by_one_alone(servable: Path, objects: ObjectDirectory, place: Path) -> None:
    """Where another pusher has claimed a number, or an object has it, the next one is taken."""
    (place / ".claim-100").parent.mkdir(parents=True)
    objects.write(".claim-100", json.dumps({"who": "ann", "renewed": time.time()}))
    objects.write("101/notes.txt", "by hand")
    with objects.staged(servable, manifest_of(servable)) as commit:
        assert [commit(version) for version in (100, 101, 102)] == [False, False, True]
    assert sorted(objects.taken()) == [100, 101, 102]
    assert objects.versions() == [102]
    assert files(place / "101") == {"notes.txt"}


def test_what_a_killed_pusher_left_is_no_version(servable: Path, objects: ObjectDirectory, place: Path) -> None:
    """A half upload is not listed; while its claim is fresh it is left alone, and a push after that removes it."""
    command = [sys.executable, "-c", PUSH_SLOWLY, str(servable), objects.location]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pusher:
        try:
            assert pusher.stdout is not None
            assert pusher.stdout.readline() == "put\n"
        finally:
            pusher.send_signal(signal.SIGKILL)
    [half] = [int(path.name) for path in place.glob("[0-9]*")]
    assert objects.versions() == []
    [version] = push_models(objects, servable, 1)
    assert version > half
    assert files(place / str(half))
    later = ObjectDirectory(ObjectStore(objects.location), abandoned_seconds=0.0)
    [last] = push_models(later, servable, 2)
    assert objects.versions() == [version, last]
    assert {name.partition("/")[0] for name in files(place)} == {".history", str(version), str(last)}


def test_an_upload_that_differs_is_taken_back(servable: Path, objects: ObjectDirectory, place: Path) -> None:
    """What is read back must be what was to be written; else nothing of it stays, and the graph was never there."""
    manifest = manifest_of(servable)
    (servable / "fingerprint.pb").write_bytes(b"another one")
    watched = Watched(objects.location)
    with (
        pytest.raises(StageError, match=r"is not what was written: fingerprint\.pb has 11 bytes where 7 are expected"),
        ObjectDirectory(watched).staged(servable, manifest) as commit,
    ):
        commit(100)
    assert "+100/saved_model.pb" not in watched.log
    assert files(place) == set()


def test_damage_shows_in_the_listing(servable: Path, objects: ObjectDirectory, place: Path) -> None:
    """A lost object, or one of another size, makes a version unfit as a target, and the model new."""
    first, second = push_models(objects, servable, 1, 2)
    (place / str(first) / "variables" / "variables.index").unlink()
    assert objects.damage(first) == "variables/variables.index is missing"
    with pytest.raises(StageError, match=r"there is no older version .* is damaged"):
        roll_back(objects, AT_ONCE, NAME)
    objects.write(f"{second}/fingerprint.pb", "x")
    assert standing_of(servable, objects).is_new


def test_a_version_is_brought_to_hand(servable: Path, objects: ObjectDirectory) -> None:
    """For a prediction all files come to a local directory, which is gone afterwards."""
    [version] = push_models(objects, servable, 1)
    with objects.at_hand(version) as directory:
        found = {
            path.relative_to(directory / str(version)).as_posix() for path in directory.rglob("*") if path.is_file()
        }
        assert found == {*manifest_of(servable).files, MANIFEST}
        assert (directory / str(version) / "saved_model.pb").read_bytes() == b"graph"
    assert not directory.exists()


def test_an_address_that_does_not_answer_is_said(servable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server, or a bucket, the failure names the place and what to check, whatever the library raised."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StageError, match=r"^s3://bucket/models cannot be used: .*; check its address and credentials$"):
        publish(servable, ObjectDirectory(ObjectStore("s3://bucket/models")), Push(), NAME)


def test_a_bucket_that_is_missing_is_said(servable: Path, bucket: Path) -> None:
    """A push to a bucket that is not there fails, and makes none."""
    with pytest.raises(StageError, match=r"^s3://no-such-bucket/models cannot be used: .*bucket"):
        publish(write_servable(servable, 1), ObjectDirectory(ObjectStore("s3://no-such-bucket/models")), Push(), NAME)
    assert [name for name in os.listdir(bucket.parent) if not name.startswith(".")] == [BUCKET]
