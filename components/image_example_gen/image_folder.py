"""Image files in a directory per class."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple

from components.errors import DataError
from components.image_example_gen.source import OutsideOf, SourceFile
from components.image_example_gen.splitting import TRAIN, UNASSIGNED, split_named, split_of_file
from components.image_example_gen.units import Entry
from schemas import features
from schemas.data import Data

# What file managers leave behind.
LITTER = frozenset({"thumbs.db", "desktop.ini"})
_WILDCARD = re.compile(r"[*?\[]")


class Labeled(NamedTuple):
    """The images of a source that is no TFRecord."""

    entries: list[Entry]
    labels: list[str]
    """Names of the classes, in the order of their index."""
    given: frozenset[str]
    """The splits that the data itself gives."""


def read_image_folder(files: Sequence[SourceFile], data: Data, root: str) -> Labeled:
    """Finds the class of every file: the name of the directory below the source, or below its split's.

    Directories that are called train, eval, test, or one of their usual other names are splits where
    all directories of the source are, and `data.splits` gives no patterns.

    Args:
      files: of the source.
      data: the experiment's section.
      root: directory that no file may leave by a link.

    Raises:
      DataError: no file is in a directory of a class.
    """
    files = [file for file in files if posixpath.basename(file.name).lower() not in LITTER]
    has_split_directories = _are_splits([file.name for file in files], data)
    placed = [(file, _place(file.name, data, has_split_directories)) for file in files]
    placed = [(file, place) for file, place in placed if place is not None]
    labels = list(data.labels or sorted({place.label for _, place in placed if place and place.label}))
    if not labels:
        raise DataError(
            f"no file in {root} lies in a directory of its own class; put each image into a directory named for its"
            " class, as roses/001.jpg, or set data.format to manifest or tfrecord"
        )
    if data.labels is None and data.splits.patterns:
        _check_classes(labels, [file.name for file, _ in placed], root)
    numbers = {label: number for number, label in enumerate(labels)}
    outside = OutsideOf(root)
    entries = [_entry(file, place, numbers, outside) for file, place in placed if place is not None]
    given = frozenset(place.split for _, place in placed if place) if has_split_directories else frozenset()
    return Labeled(entries, labels, given)


class _Place(NamedTuple):
    split: str
    label: str


def _are_splits(names: Sequence[str], data: Data) -> bool:
    directories = {name.partition("/")[0] for name in names if "/" in name}
    splits = {split_named(directory) for directory in directories}
    return not data.splits.patterns and len(splits) > 1 and TRAIN in splits and None not in splits


def _check_classes(labels: Sequence[str], names: Sequence[str], root: str) -> None:
    """A pattern for one split alone would make classes of the others' directories."""
    above = {name.partition("/")[0] for name in names if "/" in name}
    if mistaken := [label for label in labels if label in above and split_named(label) is not None]:
        directories = "directory" if len(mistaken) == 1 else "directories"
        patterns = ", ".join(f'{split_named(label)}: "{label}/*"' for label in mistaken)
        raise DataError(
            f"the {directories} {', '.join(mistaken)} in {root} would be classes; leave data.splits out to have"
            f" them taken for splits, or give each its pattern ({patterns}); if classes are meant, list all of them in"
            " data.labels"
        )


def _place(name: str, data: Data, has_split_directories: bool) -> _Place | None:
    if has_split_directories:
        directory, _, rest = name.partition("/")
        split = split_named(directory) if rest else TRAIN
        return _Place(split or TRAIN, _first_directory(rest))
    taken_by = split_of_file(name, data.splits)
    if taken_by is None:
        return None
    fixed = _fixed_directory(data.splits.patterns.get(taken_by, ""))
    split = taken_by if data.splits.patterns else UNASSIGNED
    return _Place(split, _first_directory(name.removeprefix(fixed)))


def _fixed_directory(pattern: str) -> str:
    """The directories that a pattern names literally: `train/` of `train/*`."""
    literal = _WILDCARD.split(pattern)[0]
    return literal[: literal.rfind("/") + 1]


def _first_directory(name: str) -> str:
    directory, separator, _ = name.partition("/")
    # A name that is not UTF-8 becomes one that can be written, and still differs from all others.
    return directory.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") if separator else ""


def _entry(file: SourceFile, place: _Place, numbers: dict[str, int], outside: OutsideOf) -> Entry:
    entry = Entry(file.path, file.relative_path, 0, file.num_bytes, -1, place.label, place.split)
    if outside.is_left_by(file.path):
        return entry._replace(
            path=None,
            reason="outside_of_source",
            detail="a link that leads out of the source; put the image itself there",
            feature=features.ENCODED,
        )
    if place.label in numbers:
        return entry._replace(label=numbers[place.label])
    if not place.label:
        detail = "the file lies in no directory of a class"
        return entry._replace(reason="missing_label", detail=detail, feature=features.LABEL)
    detail = f"the directory {place.label!r} is not in data.labels"
    return entry._replace(reason="unknown_label", detail=detail, feature=features.LABEL)
