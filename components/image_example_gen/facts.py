"""The facts of every example as a table, apart from the images: what is counted and compared reads this alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

from components.image_example_gen.items import Stored
from schemas import features

DIRECTORY = "facts"

_CHUNK = 4096

SPLIT = "split"
SOURCE = "source"
INDEX = "index"

# Row k of a split is record k of the split's shard with the table's name.
SCHEMA = pa.schema(
    [
        (SPLIT, pa.string()),
        (SOURCE, pa.string()),
        (INDEX, pa.int64()),
        (features.SHA256, pa.binary(32)),
        (features.LABEL, pa.int64()),
        (features.LABEL_TEXT, pa.binary()),
        (features.FORMAT, pa.binary()),
        (features.HEIGHT, pa.int64()),
        (features.WIDTH, pa.int64()),
        (features.CHANNELS, pa.int64()),
        (features.NUM_BYTES, pa.int64()),
        (features.MEAN, pa.float32()),
        (features.STDDEV, pa.float32()),
    ]
)


class Facts(NamedTuple):
    """What is known of one image. Mean and standard deviation are over its pixels without alpha, from 0 to 255."""

    format: str
    height: int
    width: int
    channels: int
    mean: float
    stddev: float


class FactsTable:
    """Rows, as they are collected."""

    def __init__(self) -> None:
        self._columns: list[list[Any]] = [[] for _ in SCHEMA]
        self._chunks: list[pa.Table] = []

    def add(self, split: str, item: Stored, sha256: bytes, text: bytes, facts: Facts) -> None:
        """Adds an example that was kept."""
        row = (
            split,
            item.source if item.source.isascii() else _readable(item.source),
            item.index,
            sha256,
            item.label,
            text,
            facts.format.encode(),
            facts.height,
            facts.width,
            facts.channels,
            len(item.content),
            facts.mean,
            facts.stddev,
        )
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
        if len(self._columns[0]) >= _CHUNK:
            self._compact()

    def to_arrow(self) -> pa.Table:
        """The table, its columns as in `SCHEMA`."""
        self._compact()
        return pa.concat_tables(self._chunks)

    def _compact(self) -> None:
        """Packs the rows: as Python's objects they take ten times the memory."""
        arrays = [pa.array(column, field.type) for column, field in zip(self._columns, SCHEMA, strict=True)]
        self._chunks.append(pa.Table.from_arrays(arrays, schema=SCHEMA))
        self._columns = [[] for _ in SCHEMA]


def _readable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def write_facts(table: pa.Table, file: BinaryIO) -> None:
    """Writes a table as a Parquet file."""
    pq.write_table(table, file)


def facts_files(examples_uri: str) -> list[str]:
    """The tables beside the examples, sorted."""
    pattern = FileSystems.join(examples_uri, DIRECTORY, "*.parquet")
    return sorted(metadata.path for metadata in FileSystems.match([pattern])[0].metadata_list)


def read_facts(path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Reads one table, or some of its columns."""
    with FileSystems.open(path, compression_type="uncompressed") as file:
        return pq.read_table(file, columns=list(columns) if columns else None)


def read_all_facts(examples_uri: str, columns: Sequence[str]) -> pa.Table:
    """Some columns of all tables, in the order of the files."""
    return pa.concat_tables([SCHEMA.empty_table().select(list(columns)), *_tables(examples_uri, columns)])


def _tables(examples_uri: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    for path in facts_files(examples_uri):
        yield read_facts(path, columns).select(list(columns))
