from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import DataError
from components.image_example_gen.component import ImageExampleGen
from schemas import features
from schemas.experiment import Data
from tests.components.images import noise, png, serialized, write_tfrecord
from tests.components.stages import Stages

PAYLOADS = [serialized({features.ENCODED: png(noise(3, 3, 1, seed)), features.LABEL: 0}) for seed in range(20)]


class Source:
    """A source and the stage that reads it, run again and again."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "source"
        self._stages = Stages(root / "stages")
        self._data = Data.model_validate({"source": str(self.directory), "splits": {"eval": 0.3, "test": 0.3}})
        write_tfrecord(self.directory / "a", PAYLOADS)

    def ingest(self) -> str:
        """Runs the stage and tells whether its result was `executed` or `cached`."""
        self._stages.run([ImageExampleGen(self._data, str(self.directory))])
        return self._stages.states["ImageExampleGen"]


def test_unchanged_files_are_taken_from_the_cache(tmp_path: Path) -> None:
    """A second run over the same files does nothing."""
    source = Source(tmp_path)
    assert [source.ingest(), source.ingest()] == ["executed", "cached"]


def test_changed_files_are_never_taken_from_the_cache(tmp_path: Path) -> None:
    """Another content of a file, though as long, another file, and another name: each is read anew."""
    source = Source(tmp_path)
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
    source.ingest()
    (source.directory / "a").unlink()
    with pytest.raises(DataError, match="no file in "):
        source.ingest()
