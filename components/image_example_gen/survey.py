"""What there is to ingest, before any image is read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.errors import DataError
from components.image_example_gen import spans
from components.image_example_gen.image_folder import read_image_folder
from components.image_example_gen.manifest import read_manifests
from components.image_example_gen.source import SourceFile, fingerprint, is_no_file, list_files, newest_span
from components.image_example_gen.splitting import LARGE, TRAIN, Shares, shares_of, split_of_file
from components.image_example_gen.tfrecord import read_records
from components.image_example_gen.units import Unit, units_of_entries, units_of_files
from schemas.data import Data


class Survey(NamedTuple):
    """A source: its units, and what holds for all of them."""

    units: list[Unit]
    labels: list[str]
    """Names of the classes, where the source numbers them by their names; else empty."""
    shares: Shares
    fingerprint: str
    span: int | None
    version: int | None


def survey(data: Data, source: str) -> Survey:
    """Lists a source and divides it into units.

    Args:
      data: the experiment's section.
      source: a directory or a manifest, which may hold placeholders for spans.

    Raises:
      DataError: there is nothing to ingest, or it cannot be read.
    """
    files = list_files(data, source)
    span, version = newest_span(files)
    if data.format == "tfrecord":
        taken = [(file, split) for file in files if (split := split_of_file(file.name, data.splits)) is not None]
        _check_taken(taken, source, files)
        num_images = None if span is not None or data.splits.test != "auto" else _num_records(taken)
        shares = shares_of(data.splits, frozenset(), num_images)
        digest = fingerprint(file for file, _ in taken)
        return Survey(units_of_files(taken), [], shares, digest, span, version)
    if data.format == "image_folder":
        images, read = read_image_folder(files, data, spans.fixed_directory(source)), files
    else:
        images, named = read_manifests(files, data)
        read = [*files, *dict.fromkeys(named)]
    _check_taken(images.entries, source, files)
    num_images = None if span is not None else sum(entry.split == TRAIN for entry in images.entries)
    shares = shares_of(data.splits, images.given, num_images)
    return Survey(units_of_entries(images.entries), images.labels, shares, fingerprint(read), span, version)


def _check_taken(taken: Sequence[object], source: str, files: Sequence[SourceFile]) -> None:
    if not taken:
        raise DataError(
            f"no file in {source} is taken by data.splits; check the patterns against the names,"
            f" such as {files[0].name}"
        )


def _num_records(taken: Sequence[tuple[SourceFile, str]]) -> int:
    """How many records there are to draw from, counted no further than makes a difference."""
    count = 0
    for file, split in taken:
        if split != TRAIN or is_no_file(file.path):
            continue
        with FileSystems.open(file.path, compression_type=CompressionTypes.UNCOMPRESSED) as stored:
            count += sum(1 for _ in itertools.islice(read_records(stored), LARGE - count))
        if count >= LARGE:
            break
    return count
