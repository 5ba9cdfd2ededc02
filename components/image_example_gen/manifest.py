"""Image files named by a CSV or JSON Lines file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import posixpath
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.errors import DataError
from components.image_example_gen.image_folder import Labeled
from components.image_example_gen.source import OutsideOf, SourceFile, list_directory
from components.image_example_gen.splitting import TRAIN, patterns_of, split_named, split_of_file
from components.image_example_gen.units import Entry
from schemas import features
from schemas.experiment import Columns, Data
from schemas.places import is_remote

_JSON_LINES = (".jsonl", ".ndjson", ".json")
_DELIMITERS = {".tsv": "\t"}
_LARGEST_FIELD = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


class _Row(NamedTuple):
    """A row's values as texts, or what is wrong with it."""

    number: int
    path: str = ""
    label: str | int | None = None
    split: str = ""
    problem: str = ""


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
    rows = [(file, row) for file in files for row in _read_rows(file, data.columns)]
    if not rows:
        raise DataError(f"{files[0].path} names no image; give it a row for each")
    resolver = _Resolver(files, data, _names(rows, data))
    entries = [entry for file, row in rows if (entry := resolver.entry(file, row)) is not None]
    return Labeled(entries, resolver.labels, resolver.given), resolver.images


def _names(rows: Sequence[tuple[SourceFile, _Row]], data: Data) -> list[str]:
    if data.labels is not None:
        return list(data.labels)
    values = {row.label for _, row in rows if row.label is not None and row.label != ""}
    numbers = [value for value in values if _number(value) is not None]
    if len(numbers) == len(values):
        return []
    return sorted({str(value) for value in values})


class _Resolver:
    """Turns rows into entries, and remembers which files and splits they name."""

    def __init__(self, manifests: Sequence[SourceFile], data: Data, names: list[str]) -> None:
        self._data = data
        self._numbers = {name: number for number, name in enumerate(names)}
        self._roots = {file.path: (data.images or posixpath.dirname(file.path)).rstrip("/") for file in manifests}
        self._listed = {root: {file.path: file for file in list_directory(root)} for root in set(self._roots.values())}
        self._outside = {root: OutsideOf(root) for root in self._listed}
        self.labels = names
        self.images: list[SourceFile] = []
        self._given: set[str] = set()

    @property
    def given(self) -> frozenset[str]:
        """The splits that some row names."""
        return frozenset(self._given)

    def entry(self, manifest: SourceFile, row: _Row) -> Entry | None:
        """What a row says; None where no split takes its image."""
        root = self._roots[manifest.path]
        entry = Entry(None, row.path or manifest.relative_path, row.number, 0, -1, "", TRAIN)

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
            return refused("unknown_split", f"{row.split!r} is none of train, eval and test", features.LABEL)
        if row.split or patterns_of(self._data.splits):
            self._given.add(split)
        entry = entry._replace(split=split)
        path = _joined(root, row.path)
        if not path.startswith(f"{root}/") or self._outside[root].is_left_by(path):
            return refused("outside_of_source", f"the path leaves {root}", features.ENCODED)
        file = self._listed[root].get(path)
        if file is None:
            return refused("missing_image", f"no such file in {root}", features.ENCODED)
        self.images.append(file)
        entry = entry._replace(path=file.path, num_bytes=file.num_bytes)
        return self._labeled(entry, row)

    def _labeled(self, entry: Entry, row: _Row) -> Entry:
        if row.label is None or row.label == "":
            detail = f"the row has no {self._data.columns.label}"
            return entry._replace(reason="missing_label", detail=detail, feature=features.LABEL)
        if (known := self._numbers.get(str(row.label))) is not None:
            return entry._replace(label=known, text=str(row.label))
        number = _number(row.label)
        if number is None or (self.labels and number >= len(self.labels)):
            detail = f"{row.label!r} is not in data.labels"
            return entry._replace(reason="unknown_label", detail=detail, feature=features.LABEL)
        return entry._replace(label=number, text=self.labels[number] if self.labels else "")


def _joined(root: str, path: str) -> str:
    """Where a path leads from a directory, without `..`; the scheme of a remote directory stays whole."""
    if is_remote(path):
        return path
    scheme, separator, directory = root.rpartition("://")
    return f"{scheme}{separator}{posixpath.normpath(posixpath.join(directory, path))}"


def _number(label: str | int | None) -> int | None:
    """The index of a class that a label states, where it states one."""
    text = str(label).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 7 else None


def _read_rows(file: SourceFile, columns: Columns) -> Iterator[_Row]:
    kind = posixpath.splitext(file.path.lower().removesuffix(".gz"))[1]
    try:
        with FileSystems.open(file.path, compression_type=CompressionTypes.UNCOMPRESSED) as stored:
            content = stored.read()
        content = gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"the manifest {file.path} cannot be read: {error}; write it anew, or give this user the right to read it"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"the manifest {file.path} is not UTF-8 ({error}); save it as UTF-8") from error
    if kind in _JSON_LINES:
        return _read_json_lines(text, columns)
    return _read_csv(text, columns, _DELIMITERS.get(kind, ","), file.path)


def _read_json_lines(text: io.StringIO, columns: Columns) -> Iterator[_Row]:
    for index, line in enumerate(line for line in text if line.strip()):
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield _Row(index, problem=f"no JSON: {error}")
            continue
        if isinstance(values, dict):
            yield _row(index, values, columns)
        else:
            yield _Row(index, problem="no JSON object; expected one such as {'path': 'a.jpg', 'label': 'rose'}")


def _read_csv(text: io.StringIO, columns: Columns, delimiter: str, path: str) -> Iterator[_Row]:
    csv.field_size_limit(_LARGEST_FIELD)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    header = next(_csv_rows(reader), None)
    names = [str(name).strip() for name in header] if isinstance(header, list) else []
    if missing := [name for name in (columns.path, columns.label) if name not in names]:
        raise DataError(
            f"the manifest {path} has no column {' and '.join(missing)}; it has {', '.join(names) or 'nothing'};"
            " name the columns in data.columns, such as columns: {path: filename, label: class}"
        )
    index = 0
    for values in _csv_rows(reader):
        if isinstance(values, str):
            yield _Row(index, problem=values)
        elif not values:
            continue
        elif len(values) != len(names):
            yield _Row(index, problem=f"{len(values)} values, expected {len(names)}")
        else:
            yield _row(index, dict(zip(names, values, strict=True)), columns)
        index += 1


def _csv_rows(reader: Any) -> Iterator[list[str] | str]:
    """The rows, and for each line that is no CSV, or is lost by one that is not, what is wrong with it."""
    while True:
        start = reader.line_num
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield from [f"no CSV from line {start + 1}: {error}"] * max(1, reader.line_num - start)


def _row(index: int, values: dict[str, Any], columns: Columns) -> _Row:
    path, label, split = (values.get(name) for name in (columns.path, columns.label, columns.split))
    if not isinstance(path, str | None) or not isinstance(split, str | None):
        return _Row(index, problem=f"{columns.path} and {columns.split} must be texts")
    if isinstance(label, bool) or not isinstance(label, str | int | None):
        return _Row(index, problem=f"{columns.label} must be a text or a whole number, not {json.dumps(label)}")
    # A path of bytes that are not UTF-8 is written as Python reads it, with surrogates.
    if not _is_encodable(path, "surrogateescape") or not _is_encodable(label, "strict"):
        return _Row(index, problem="a text holds NUL or half of a surrogate pair; write the characters themselves")
    return _Row(index, (path or "").strip(), label.strip() if isinstance(label, str) else label, (split or "").strip())


def _is_encodable(text: str | int | None, errors: str) -> bool:
    try:
        return b"\0" not in str(text).encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
