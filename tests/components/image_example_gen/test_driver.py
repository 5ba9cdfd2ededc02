from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import DataError
from components.image_example_gen.component import ImageExampleGen
from schemas import features
from schemas.data import Data
from tests.components.images import noise, png, serialized, write_tfrecord
from tests.components.stages import Stages

PAYLOADS = [serialized({features.ENCODED: png(noise(3, 3, 1, seed)), features.LABEL: 0}) for seed in range(20)]


class Source:
    """A source and the stage that reads it, run again and again."""

    def __init__(self, root: Path, source: str = "", **data: object) -> None:
        self.directory = root / "source"
        self._source = f"{self.directory}/{source}".rstrip("/")
        self._quarantine = str(root / "quarantine")
        self._stages = Stages(root / "stages")
        self._data = Data.model_validate({"source": self._source, "splits": {"eval": 0.3, "test": 0.3}, **data})

    def ingest(self) -> str:
        """Runs the stage and tells whether its result was `executed` or `cached`."""
        self._stages.run([ImageExampleGen(self._data, self._source, self._quarantine)])
        return self._stages.states["ImageExampleGen"]

    @property
    def span(self) -> tuple[int, int]:
        """The span and the version that the artifact bears."""
        artifact = self._stages.outputs["ImageExampleGen"]["examples"]
        return artifact.span, artifact.version


def test_unchanged_files_are_taken_from_the_cache(tmp_path: Path) -> None:
    """A second run over the same files does nothing."""
    source = Source(tmp_path)
    write_tfrecord(source.directory / "a", PAYLOADS)
    assert [source.ingest(), source.ingest()] == ["executed", "cached"]


def test_changed_files_are_never_taken_from_the_cache(tmp_path: Path) -> None:
    """Another content of a file, though as long, another file, and another name: each is read anew."""
    source = Source(tmp_path)
    write_tfrecord(source.directory / "a", PAYLOADS)
    assert source.ingest() == "executed"
    time = os.stat(source.directory / "a").st_mtime
    write_tfrecord(source.directory / "a", reversed(PAYLOADS))
    os.utime(source.directory / "a", (time + 1, time + 1))
    assert source.ingest() == "executed"
    write_tfrecord(source.directory / "b", PAYLOADS[:1])
    assert source.ingest() == "executed"
    (source.directory / "b").rename(source.directory / "c")
    assert source.ingest() == "executed"
    assert source.ingest() == "cached"


def test_a_source_that_was_emptied_is_refused(tmp_path: Path) -> None:
    """A source without files is an error, even though there is a result in the cache."""
    source = Source(tmp_path)
    write_tfrecord(source.directory / "a", PAYLOADS)
    source.ingest()
    (source.directory / "a").unlink()
    with pytest.raises(DataError, match="no file in "):
        source.ingest()


def test_an_image_that_a_manifest_names_is_seen(tmp_path: Path) -> None:
    """A manifest that stays as it is, is read anew when an image of it changes, though not for another file."""
    source = Source(tmp_path, "labels.csv", format="manifest")
    source.directory.mkdir()
    for seed in range(20):
        (source.directory / f"{seed}.png").write_bytes(png(noise(3, 3, 1, seed)))
    (source.directory / "labels.csv").write_text("path,label\n" + "".join(f"{seed}.png,0\n" for seed in range(20)))
    assert [source.ingest(), source.ingest()] == ["executed", "cached"]
    (source.directory / "other.png").write_bytes(b"")
    assert source.ingest() == "cached"
    (source.directory / "7.png").write_bytes(png(noise(4, 4, 1, 7)))
    assert source.ingest() == "executed"


def test_a_new_span_is_read(tmp_path: Path) -> None:
    """A new span or version is read and told; one that is older than what was read changes nothing."""
    source = Source(tmp_path, "span-{SPAN}/v{VERSION}/*")
    for span, version, state, read in (
        (1, 1, "executed", (1, 1)),
        (2, 1, "executed", (2, 1)),
        (1, 2, "cached", (2, 1)),
        (2, 2, "executed", (2, 2)),
    ):
        write_tfrecord(source.directory / f"span-{span}" / f"v{version}" / "a", PAYLOADS)
        assert source.ingest() == state
        assert source.span == read
