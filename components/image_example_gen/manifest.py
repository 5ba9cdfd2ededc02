"""Image files named by a CSV or JSON Lines file."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from components.errors import DataError
from components.image_example_gen.image_folder import Labeled
from components.image_example_gen.items import LARGEST_LABEL
from components.image_example_gen.manifest_rows import Row, read_rows
from components.image_example_gen.source import OutsideOf, SourceFile, files_at
from components.image_example_gen.splitting import UNASSIGNED, split_named, split_of_file
from components.image_example_gen.units import Entry
from schemas import features
from schemas.data import Data
from schemas.listing import is_remote

_MOST_DIGITS = 18


def read_manifests(files: Sequence[SourceFile], data: Data) -> tuple[Labeled, list[SourceFile]]:
    """Reads the images and labels that manifests name.

    A label that is a whole number is the index of a class, unless `data.labels` has it as a name;
    other labels are names. The names of all classes are those of `data.labels`, or else sorted.

    Args:
      files: the manifests, one for each span.
      data: the experiment's section.

    Returns:
      The images, and their files.

    Raises:
      DataError: a manifest cannot be read, or has not the columns.
    """
    rows = [(file, row) for file in files for row in read_rows(file, data.columns)]
    if not rows:
        raise DataError(f"{files[0].path} names no image; give it a row for each")
    resolver = _Resolver(rows, data, _names(rows, data))
    entries = [entry for file, row in rows if (entry := resolver.entry(file, row)) is not None]
    return Labeled(entries, resolver.labels, resolver.given), resolver.images


def _names(rows: Sequence[tuple[SourceFile, Row]], data: Data) -> list[str]:
    if data.labels is not None:
        return list(data.labels)
    values = {row.label for _, row in rows if row.label is not None and row.label != ""}
    numbers = [value for value in values if _number(value) is not None]
    if len(numbers) == len(values):
        return []
    return sorted({str(value) for value in values})


class _Resolver:
    """Turns rows into entries, and remembers which files and splits they name."""

    def __init__(self, rows: Sequence[tuple[SourceFile, Row]], data: Data, names: list[str]) -> None:
        self._data = data
        self._numbers = {name: number for number, name in enumerate(names)}
        manifests = {manifest for manifest, _ in rows}
        self._roots = {file.path: (data.images or posixpath.dirname(file.path)).rstrip("/") for file in manifests}
        self._outside = {root: OutsideOf(root or "/") for root in self._roots.values()}
        named: dict[str, set[str]] = {root: set() for root in self._outside}
        for manifest, row in rows:
            root = self._roots[manifest.path]
            if row.path and (path := _joined(root, row.path)).startswith(f"{root}/"):
                named[root].add(path)
        self._files = {root: files_at(paths, root) for root, paths in named.items()}
        self.labels = names
        self.images: list[SourceFile] = []
        self._given: set[str] = set()

    @property
    def given(self) -> frozenset[str]:
        """The splits that some row names."""
        return frozenset(self._given)

    def entry(self, manifest: SourceFile, row: Row) -> Entry | None:
        """What a row says; None where no split takes its image."""
        root = self._roots[manifest.path]
        entry = Entry(None, row.path or manifest.relative_path, row.number, 0, -1, "", UNASSIGNED)

        def refused(reason: str, detail: str, feature: str) -> Entry:
            return entry._replace(path=None, reason=reason, detail=detail, feature=feature)

        if row.problem:
            return refused("malformed_row", row.problem, features.FILENAME)
        if not row.path:
            return refused("missing_image", f"the row has no {self._data.columns.path}", features.ENCODED)
        split = split_named(row.split) if row.split else split_of_file(row.path, self._data.splits)
        if split is None and not row.split:
            return None
        if split is None:
            return refused(
                "unknown_split",
                f"{row.split!r} is none of train, eval and test, nor another usual name of one",
                features.LABEL,
            )
        if row.split or self._data.splits.patterns:
            self._given.add(split)
            entry = entry._replace(split=split)
        path = _joined(root, row.path)
        if not path.startswith(f"{root}/") or self._outside[root].is_left_by(path):
            return refused("outside_of_source", f"the path leaves {root}", features.ENCODED)
        file = self._files[root].get(path)
        if file is None:
            return refused("missing_image", f"no such file in {root}", features.ENCODED)
        self.images.append(file)
        entry = entry._replace(path=file.path, num_bytes=file.num_bytes)
        return self._labeled(entry, row)

    def _labeled(self, entry: Entry, row: Row) -> Entry:
        if row.label is None or row.label == "":
            detail = f"the row has no {self._data.columns.label}"
            return entry._replace(reason="missing_label", detail=detail, feature=features.LABEL)
        if (known := self._numbers.get(str(row.label))) is not None:
            return entry._replace(label=known, text=str(row.label))
        number = _number(row.label)
        if number is None or (self.labels and not 0 <= number < len(self.labels)):
            detail = f"{row.label!r} is not in data.labels"
            return entry._replace(reason="unknown_label", detail=detail, feature=features.LABEL)
        if number > LARGEST_LABEL:
            detail = f"class {row.label} is above {LARGEST_LABEL}; list the classes in data.labels if that is meant"
            return entry._replace(reason="label_out_of_range", detail=detail, feature=features.LABEL)
        return entry._replace(label=number, text=self.labels[number] if self.labels else "")


def _joined(root: str, path: str) -> str:
    """Where a path leads from a directory, without `..`; the scheme of a remote directory stays whole."""
    if is_remote(path):
        return path
    scheme, separator, directory = root.rpartition("://")
    return f"{scheme}{separator}{posixpath.normpath(posixpath.join(directory or '/', path))}"


def _number(label: str | int | None) -> int | None:
    """The index of a class that a label states, where it states one."""
    text = str(label).strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return None
    # No class has more, and of thousands Python makes no number.
    number = int(digits.lstrip("0")[:_MOST_DIGITS] or "0")
    return -number if text.startswith("-") else number
