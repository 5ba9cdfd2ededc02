"""Moves examples between the shards of a unit, after they were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import BinaryIO

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems

from components.image_example_gen.facts import SPLIT, read_facts, write_facts
from components.image_example_gen.shards import Growing, facts_path, shard_path
from components.image_example_gen.splitting import SPLITS
from components.image_example_gen.tfrecord import Record, read_records
from schemas import features


class RedistributeUnit(beam.DoFn):
    """Writes the shards and the table of a unit anew, beside the old ones, where an image of it moves.

    Yields the places of the new files by their paths, None for a shard that is no more: they are to be
    given their names once all units are done, so that a bundle that Beam works twice finds the old ones.
    """

    def __init__(self, output_uri: str, moves: Mapping[bytes, str]) -> None:
        """Takes the new split of each image that moves, by its digest."""
        self._output_uri = output_uri
        self._moves = dict(moves)

    def process(self, element: str) -> Iterator[dict[str, str | None]]:
        """Rewrites the unit of a name."""
        table_path = facts_path(self._output_uri, element)
        table = read_facts(table_path)
        digests = table[features.SHA256].to_pylist()
        if not any(digest in self._moves for digest in digests):
            return
        old = table[SPLIT].to_pylist()
        new = [self._moves.get(digest, split) for digest, split in zip(digests, old, strict=True)]
        paths = {split: shard_path(self._output_uri, split, element) for split in SPLITS}
        with ExitStack() as stack:
            records = {split: _records(stack, paths[split]) for split in set(old)}
            files = Growing(stack, self._output_uri)
            for before, after in zip(old, new, strict=True):
                payload = next(records[before]).payload
                assert payload is not None
                files.write_record(paths[after], payload)
            table = table.set_column(table.column_names.index(SPLIT), SPLIT, pa.array(new, pa.string()))
            write_facts(table, files.open(table_path))
        yield {**{paths[split]: None for split in set(old) - set(new)}, **files.places}


def _records(stack: ExitStack, path: str) -> Iterator[Record]:
    file: BinaryIO = stack.enter_context(FileSystems.open(path, compression_type="uncompressed"))
    return read_records(file)
