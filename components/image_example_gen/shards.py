"""The files that a unit's examples are written to: they appear whole, under names that follow from the unit."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from typing import BinaryIO

from apache_beam.io.filesystems import FileSystems

from components.image_example_gen import facts
from components.image_example_gen.splitting import SPLITS
from components.image_example_gen.tfrecord import write_record

GROWING = "growing"
QUARANTINE = "quarantine"


def unit_name(number: int, num_units: int) -> str:
    """What all files of a unit are called, without an ending."""
    return f"examples-{number:05d}-of-{num_units:05d}"


def split_uri(output_uri: str, split: str) -> str:
    """Where TFX looks for the examples of a split."""
    return FileSystems.join(output_uri, f"Split-{split}")


def shard_path(output_uri: str, split: str, name: str) -> str:
    """The TFRecord file of a unit's examples in one split."""
    return FileSystems.join(split_uri(output_uri, split), f"{name}.tfrecord")


def facts_path(output_uri: str, name: str) -> str:
    """The table of a unit's facts."""
    return FileSystems.join(output_uri, facts.DIRECTORY, f"{name}.parquet")


def make_directories(output_uri: str) -> None:
    """Makes the directories that units are written to."""
    for directory in (*(f"Split-{split}" for split in SPLITS), facts.DIRECTORY, GROWING, QUARANTINE):
        path = FileSystems.join(output_uri, directory)
        if not FileSystems.exists(path):
            FileSystems.mkdirs(path)


class Growing:
    """Files that get their names once all of them are whole; a second attempt at them does no harm."""

    def __init__(self, stack: ExitStack, output_uri: str) -> None:
        """Opens nothing yet; the files are closed with `stack`."""
        self._stack = stack
        self._directory = FileSystems.join(output_uri, GROWING)
        self._attempt = uuid.uuid4().hex
        self._files: dict[str, BinaryIO] = {}
        self._places: dict[str, str] = {}

    def write_record(self, path: str, payload: bytes) -> None:
        """Appends to a TFRecord file."""
        write_record(self.open(path), payload)

    def open(self, path: str) -> BinaryIO:
        """The file that will be at `path`, open for writing bytes."""
        if path not in self._files:
            self._places[path] = FileSystems.join(self._directory, f"{self._attempt}-{len(self._places)}")
            self._files[path] = self._stack.enter_context(
                FileSystems.create(
                    self._places[path], mime_type="application/octet-stream", compression_type="uncompressed"
                )
            )
        return self._files[path]

    @property
    def places(self) -> dict[str, str]:
        """Where each file is for now, by its path."""
        return dict(self._places)


def publish(places: dict[str, str]) -> None:
    """Gives closed files their names, over older ones of the same names."""
    for path, place in places.items():
        if FileSystems.exists(path):
            FileSystems.delete([path])
        FileSystems.rename([place], [path])
