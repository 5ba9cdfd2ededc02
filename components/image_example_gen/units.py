"""What ingestion works on at a time: a TFRecord file, or some image files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from components.image_example_gen.source import SourceFile

_MAX_FILES = 1_000
_MAX_BYTES = 64 << 20


class Entry(NamedTuple):
    """An image file and its label, or, with a reason, why it cannot be used."""

    path: str | None
    source: str
    """The file's path as the source gives it, for people."""
    row: int
    """Of the manifest, counted from 0; 0 without one."""
    num_bytes: int
    label: int
    text: str
    split: str
    reason: str | None = None
    detail: str = ""
    feature: str = ""


class Unit(NamedTuple):
    """A part of the source that becomes one shard per split."""

    number: int
    split: str
    """Of a TFRecord file, or `UNASSIGNED`; the image files have each their own."""
    file: SourceFile | None
    entries: tuple[Entry, ...] = ()


def units_of_files(files: Iterable[tuple[SourceFile, str]]) -> list[Unit]:
    """A unit for each TFRecord file and its split."""
    return [Unit(number, split, file) for number, (file, split) in enumerate(files)]


def units_of_entries(entries: Iterable[Entry]) -> list[Unit]:
    """Units of up to 1,000 image files and 64 MiB."""
    return [Unit(number, "", None, tuple(chunk)) for number, chunk in enumerate(_chunks(entries))]


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    chunk: list[Entry] = []
    num_bytes = 0
    for entry in entries:
        if chunk and (len(chunk) >= _MAX_FILES or num_bytes + entry.num_bytes > _MAX_BYTES):
            yield chunk
            chunk, num_bytes = [], 0
        chunk.append(entry)
        num_bytes += entry.num_bytes
    if chunk:
        yield chunk
