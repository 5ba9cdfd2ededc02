from __future__ import annotations

import contextlib
import errno
import io
import os
from pathlib import Path

import pytest
import tensorflow as tf
from apache_beam.io.filesystems import FileSystems

from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.reading import as_original, read_unit
from components.image_example_gen.source import SourceFile
from components.image_example_gen.units import Entry, Unit
from schemas import features
from schemas.data import Data
from tests.components.images import noise, png, serialized, write_tfrecord
from tests.rights import closed

DATA = Data(source="here")
PNG = png(noise(3, 4, 3))


def entry_of(path: Path, **values: object) -> Entry:
    entry = Entry(str(path), f"roses/{path.name}", 5, len(PNG), 2, "roses", "test")
    return entry._replace(**values)  # type: ignore[arg-type]


def read_entry(entry: Entry) -> Stored | Refused:
    [outcome] = read_unit(Unit(0, "", None, (entry,)), DATA)
    return outcome


def original(outcome: Stored | Refused) -> dict[str, list[object]]:
    """What quarantine would have of an entry."""
    assert isinstance(outcome, Refused)
    feature = tf.train.Example.FromString(outcome.original).features.feature
    return {name: list(getattr(value, value.WhichOneof("kind")).value) for name, value in feature.items()}


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_records_are_read_in_their_order(compression: str, tmp_path: Path) -> None:
    """Each record of a TFRecord, usable or not, with its file's name and split; gzip whatever the file is called."""
    payloads = [serialized({features.ENCODED: PNG, features.LABEL: label}) for label in range(3)]
    path = write_tfrecord(tmp_path / "part.bz2", [payloads[0], b"\xff", *payloads[1:]], compression)
    file = SourceFile(str(path), "deep/part", "part", path.stat().st_size, 0.0)
    outcomes = list(read_unit(Unit(4, "eval", file), DATA))
    assert [(outcome.source, outcome.index) for outcome in outcomes] == [("deep/part", index) for index in range(4)]
    labels = [outcome.label if isinstance(outcome, Stored) else outcome.reason for outcome in outcomes]
    assert labels == [0, "not_an_example", 1, 2]
    assert {outcome.split for outcome in outcomes if isinstance(outcome, Stored)} == {"eval"}


@pytest.mark.parametrize("kind", ["closed", "gone", "link to nowhere", "link to itself", "directory", "pipe"])
def test_a_tfrecord_that_cannot_be_opened_is_refused(kind: str, tmp_path: Path) -> None:
    """It is never taken for an empty one, nor does it end the work: all its bytes are lost, under one refusal."""
    path = tmp_path / "shard"
    if kind == "closed":
        path.write_bytes(b"123456789")
    elif kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "gone":
        path.symlink_to(tmp_path / "nowhere" if kind == "link to nowhere" else path)
    num_bytes = 9 if kind in ("closed", "gone") else 0
    unit = Unit(0, "train", SourceFile(str(path), "deep/shard", "shard", num_bytes, 0.0))
    with closed(path, tmp_path) if kind == "closed" else contextlib.nullcontext():
        (refused,) = read_unit(unit, DATA)
    assert isinstance(refused, Refused)
    assert (refused.source, refused.index, refused.reason) == ("deep/shard", 0, "unreadable")
    assert refused.lost_bytes == max(1, num_bytes)
    reasons = {
        "closed": "the file cannot be read: Permission denied; ",
        "gone": "the file cannot be read: No such file or directory; ",
        "link to nowhere": "a link to nothing; ",
        "link to itself": "a link to nothing; ",
    }
    assert refused.detail.startswith(reasons.get(kind, "not a file, but a directory, a pipe or a device; "))


def test_a_tfrecord_that_cannot_be_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a disk fails in the middle, the records before are kept, and the refusal stands at the next."""
    path = write_tfrecord(tmp_path / "shard", [serialized({features.ENCODED: PNG, features.LABEL: 0})] * 2)

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > path.stat().st_size // 2:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    monkeypatch.setattr(FileSystems, "open", lambda *arguments, **options: Failing(path.read_bytes()))
    file = SourceFile(str(path), "shard", "shard", path.stat().st_size, 0.0)
    first, *_, last = read_unit(Unit(0, "train", file), DATA)
    assert isinstance(first, Stored)
    assert isinstance(last, Refused)
    assert (last.index, last.reason, last.lost_bytes) == (1, "unreadable", file.num_bytes)
    assert last.detail == ("the file cannot be read: Input/output error; give this user the right to, or copy it anew")


def test_an_image_that_is_closed_is_refused(tmp_path: Path) -> None:
    """An image without the right to read it costs itself alone."""
    (tmp_path / "a.png").write_bytes(PNG)
    with closed(tmp_path / "a.png", tmp_path):
        outcome = read_entry(entry_of(tmp_path / "a.png"))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.detail) == ("unreadable", "the file cannot be read: Permission denied")


@pytest.mark.parametrize("name", ["a.png", "a.png.gz", "a*[b]?.png", "ü\n.png"])
def test_an_image_file_is_read_as_it_is(name: str, tmp_path: Path) -> None:
    """Its bytes, whatever its name, with the label and the split of its entry, called by its path in the source."""
    (tmp_path / name).write_bytes(PNG)
    expected = Stored(f"roses/{name}", 5, PNG, 2, "roses", f"roses/{name}", "test")
    assert read_entry(entry_of(tmp_path / name)) == expected


def test_an_entry_that_cannot_be_used_has_its_image_in_the_quarantine(tmp_path: Path) -> None:
    """Where the label is to blame, the file is read all the same."""
    (tmp_path / "a.png").write_bytes(PNG)
    wrong = entry_of(tmp_path / "a.png", label=-1, reason="unknown_label", detail="no such class", feature="the label")
    outcome = read_entry(wrong)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.detail, outcome.feature) == ("unknown_label", "no such class", "the label")
    assert original(outcome) == {
        features.ENCODED: [PNG],
        features.FILENAME: [b"roses/a.png"],
        features.LABEL_TEXT: [b"roses"],
    }


def test_an_entry_without_a_file_is_refused_unread() -> None:
    """A path that must not be followed is refused for its reason, and quarantine has no image."""
    entry = Entry(None, "../a.png", 5, 0, 2, "roses", "test", "outside_of_source", "it leaves", features.ENCODED)
    outcome = read_entry(entry)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.detail, outcome.index) == ("outside_of_source", "it leaves", 5)
    assert original(outcome)[features.ENCODED] == [b""]


@pytest.mark.parametrize("kind", ["gone", "directory", "pipe", "link to nowhere"])
def test_what_cannot_be_read_is_refused(kind: str, tmp_path: Path) -> None:
    """A file that is gone, or is none, costs itself alone; nobody waits for the writer of a pipe."""
    path = tmp_path / "a.png"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to nowhere":
        path.symlink_to(tmp_path / "nowhere")
    outcome = read_entry(entry_of(path))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.feature) == ("unreadable", features.ENCODED)
    assert outcome.detail


def test_a_file_beyond_a_gibibyte_is_not_read(tmp_path: Path) -> None:
    """It could not be kept as an example; the refusal gives both sizes."""
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate((1 << 30) + 1)
    outcome = read_entry(entry_of(tmp_path / "a.png", num_bytes=(1 << 30) + 1))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "too_large"
    assert outcome.detail == "a file of 1073741825 bytes; at most 1073741824 can be read"


def test_the_original_of_a_record_is_the_record() -> None:
    """What came from a TFRecord goes to quarantine as it was, not made anew."""
    assert as_original(Stored("a", 0, PNG, 1, "one", None, "train", original=b"the record")) == b"the record"
