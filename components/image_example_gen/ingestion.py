"""The Beam stage that turns each file of a source into one shard per split."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.image_example_gen.canonical import Canonical, canonicalize
from components.image_example_gen.report import IngestionReport, Refusal
from components.image_example_gen.source import SourceFile
from components.image_example_gen.splitting import SPLITS, TRAIN, split_of_content
from components.image_example_gen.tfrecord import Record, read_records, write_record
from schemas.experiment import Data

_BATCH_RECORDS = 512
_BATCH_BYTES = 32 << 20


class IngestFile(beam.DoFn):
    """Reads one file, checks and measures its images, writes a shard for each split it feeds.

    A shard's name follows from its file's place in the source, and it appears by renaming, so a
    bundle that Beam works twice writes the same shards again.
    """

    def __init__(self, data: Data, output_uri: str, num_files: int) -> None:
        self._data = data
        self._output_uri = output_uri
        self._num_files = num_files

    def process(self, element: tuple[int, SourceFile]) -> Iterator[IngestionReport]:
        """Yields what it counted in the file."""
        number, file = element
        report = IngestionReport()
        with (
            ExitStack() as stack,
            FileSystems.open(file.path, compression_type=CompressionTypes.UNCOMPRESSED) as stored,
        ):
            shards = _Shards(stack, self._output_uri, number, self._num_files)
            for batch in _batches(read_records(stored)):
                for outcome in canonicalize(batch, file.relative_path, self._data):
                    split = file.split if file.split != TRAIN else split_of_content(outcome.sha256, self._data.splits)
                    if isinstance(outcome, Canonical):
                        shards.write(split, outcome.serialized)
                        report.num_examples[split] += 1
                        report.max_label = max(report.max_label, outcome.label)
                        if outcome.text is not None:
                            report.name_label(outcome.label, outcome.text)
                    else:
                        report.refuse(
                            Refusal(
                                file.relative_path,
                                outcome.index,
                                outcome.reason,
                                outcome.detail,
                                outcome.feature,
                                split,
                            )
                        )
        shards.publish()
        yield report


class _Shards:
    """One growing file per split, given its name once whole."""

    def __init__(self, stack: ExitStack, output_uri: str, number: int, num_files: int) -> None:
        self._stack = stack
        self._output_uri = output_uri
        self._name = f"examples-{number:05d}-of-{num_files:05d}.tfrecord"
        self._attempt = uuid.uuid4().hex
        self._files: dict[str, BinaryIO] = {}

    def write(self, split: str, payload: bytes) -> None:
        if split not in self._files:
            self._files[split] = self._stack.enter_context(FileSystems.create(self._growing(split)))
        write_record(self._files[split], payload)

    def publish(self) -> None:
        splits = list(self._files)
        FileSystems.rename(
            [self._growing(split) for split in splits],
            [FileSystems.join(split_uri(self._output_uri, split), self._name) for split in splits],
        )

    def _growing(self, split: str) -> str:
        return FileSystems.join(self._output_uri, "growing", f"{split}-{self._attempt}-{self._name}")


def split_uri(output_uri: str, split: str) -> str:
    """Where TFX looks for the examples of a split."""
    return FileSystems.join(output_uri, f"Split-{split}")


def make_split_directories(output_uri: str) -> None:
    """Makes the directories that shards are written to."""
    for directory in (*(split_uri(output_uri, split) for split in SPLITS), FileSystems.join(output_uri, "growing")):
        if not FileSystems.exists(directory):
            FileSystems.mkdirs(directory)


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    num_bytes = 0
    for record in records:
        batch.append(record)
        num_bytes += len(record.payload or b"")
        if len(batch) >= _BATCH_RECORDS or num_bytes >= _BATCH_BYTES:
            yield batch
            batch, num_bytes = [], 0
    if batch:
        yield batch
