"""What there is to ingest, before any image is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from components.errors import DataError
from components.image_example_gen import spans
from components.image_example_gen.counting import num_records
from components.image_example_gen.image_folder import read_image_folder
from components.image_example_gen.manifest import read_manifests
from components.image_example_gen.source import SourceFile, fingerprint, list_files, newest_span
from components.image_example_gen.splitting import LARGE, TEST, TRAIN, UNASSIGNED, Shares, shares_of, split_of_file
from components.image_example_gen.units import Entry, Unit, units_of_entries, units_of_files
from schemas.data import Data


class Survey(NamedTuple):
    """A source: its units, and what holds for all of them."""

    units: list[Unit]
    labels: list[str]
    """Names of the classes, where the source numbers them by their names; else empty."""
    given: frozenset[str]
    """The splits that the data itself gives."""
    is_mixed: bool
    """Whether the data gives a split to some images and none to others."""
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
        units = units_of_files((file, UNASSIGNED if split == TRAIN else split) for file, split in taken)
        return Survey(units, [], frozenset(), False, fingerprint(file for file, _ in taken), span, version)
    if data.format == "image_folder":
        images, read = read_image_folder(files, data, spans.fixed_directory(source)), files
    else:
        images, named = read_manifests(files, data)
        read = [*files, *dict.fromkeys(named)]
    _check_taken(images.entries, source, files)
    entries, is_mixed = _to_draw_from(images.entries)
    return Survey(units_of_entries(entries), images.labels, images.given, is_mixed, fingerprint(read), span, version)


def _to_draw_from(entries: list[Entry]) -> tuple[list[Entry], bool]:
    """Where every image has a split, what else is wanted is drawn from those to train on."""
    usable = [entry.split for entry in entries if entry.reason is None]
    if UNASSIGNED in usable:
        return entries, any(usable)
    return [entry._replace(split=UNASSIGNED) if entry.split == TRAIN else entry for entry in entries], False


def shares_to_draw(found: Survey, data: Data) -> Shares:
    """What is drawn for the eval split and the test; where the rule asks how many images there are, they are counted.

    Args:
      found: the source.
      data: the experiment's section.

    Raises:
      DataError: nothing would be left to train on.
    """
    asks = found.span is None and data.splits.test == "auto" and TEST not in found.given
    return shares_of(data.splits, found.given, _num_images(found.units) if asks else None)


def _check_taken(taken: Sequence[object], source: str, files: Sequence[SourceFile]) -> None:
    if not taken:
        raise DataError(
            f"no file in {source} is taken by data.splits; check the patterns against the names,"
            f" such as {files[0].name}"
        )


def _num_images(units: Sequence[Unit]) -> int:
    """How many images there are to draw from, counted no further than makes a difference."""
    count = 0
    for unit in units:
        count += sum(entry.split == UNASSIGNED for entry in unit.entries)
        if unit.file is not None and unit.split == UNASSIGNED:
            count += num_records(unit.file.path, LARGE - count)
        if count >= LARGE:
            break
    return count
