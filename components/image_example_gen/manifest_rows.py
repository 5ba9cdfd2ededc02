"""The rows of a manifest, as its file states them."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import posixpath
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from components.errors import DataError
from components.image_example_gen.source import SourceFile, open_as_it_is
from schemas.data import Columns

_JSON_LINES = (".jsonl", ".ndjson", ".json")
_DELIMITERS = {".tsv": "\t"}
_LARGEST_FIELD = 1 << 20
_MEND = "name the columns in data.columns, such as columns: {path: filename, label: class}"
_GZIP_MAGIC = b"\x1f\x8b"


class Row(NamedTuple):
    """A row's values as texts, or what is wrong with it."""

    number: int
    path: str = ""
    label: str | int | None = None
    split: str = ""
    problem: str = ""


def read_rows(file: SourceFile, columns: Columns) -> Iterator[Row]:
    """Reads a CSV file, a TSV file, JSON Lines or a JSON list, each plain or gzip.

    Args:
      file: the manifest.
      columns: the experiment's names of the columns.

    Yields:
      Rows, those that are broken too.

    Raises:
      DataError: the file cannot be read, or has not the columns.
    """
    kind = posixpath.splitext(file.path.lower().removesuffix(".gz"))[1]
    try:
        with open_as_it_is(file.path) as stored:
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
        return _read_json_lines(text, columns, file.path)
    return _read_csv(text, columns, _DELIMITERS.get(kind, ","), file.path)


def _read_json_lines(text: io.StringIO, columns: Columns, path: str) -> Iterator[Row]:
    found = list(_json_values(text))
    objects = [values for values in found if isinstance(values, dict)]
    if objects and not any(columns.path in values for values in objects):
        raise DataError(
            f"no row of the manifest {path} has the key {columns.path}; the first has"
            f" {', '.join(map(str, objects[0])) or 'none'}; {_MEND}"
        )
    for index, values in enumerate(found):
        if isinstance(values, _NoJson):
            yield Row(index, problem=f"no JSON: {values}")
        elif isinstance(values, dict):
            yield _row(index, values, columns)
        else:
            yield Row(index, problem='no JSON object; expected one such as {"path": "a.jpg", "label": "rose"}')


class _NoJson(str):
    """What is wrong with a text that is no JSON."""


def _json_values(text: io.StringIO) -> Iterator[Any]:
    """The items of a list, or what each line holds."""
    whole = text.getvalue()
    if whole.lstrip().startswith("["):
        with contextlib.suppress(ValueError, RecursionError):
            yield from json.loads(whole)
            return
    for line in text:
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                yield _NoJson(error)


def _read_csv(text: io.StringIO, columns: Columns, delimiter: str, path: str) -> Iterator[Row]:
    csv.field_size_limit(_LARGEST_FIELD)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    header = next(_csv_rows(reader), None)
    names = [str(name).strip() for name in header] if isinstance(header, list) else []
    if missing := [name for name in (columns.path, columns.label) if name not in names]:
        raise DataError(
            f"the manifest {path} has no column {' and '.join(missing)}; it has {', '.join(names) or 'nothing'};"
            f" {_MEND}, or give the file a first row with their names"
        )
    index = 0
    for values in _csv_rows(reader):
        if isinstance(values, str):
            yield Row(index, problem=values)
        elif not values:
            continue
        elif len(values) != len(names):
            yield Row(index, problem=f"{len(values)} values, expected {len(names)}")
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


def _row(index: int, values: dict[str, Any], columns: Columns) -> Row:
    path, label, split = (values.get(name) for name in (columns.path, columns.label, columns.split))
    if not isinstance(path, str | None) or not isinstance(split, str | None):
        return Row(index, problem=f"{columns.path} and {columns.split} must be texts")
    if isinstance(label, bool) or not isinstance(label, str | int | None):
        return Row(index, problem=f"{columns.label} must be a text or a whole number, not {json.dumps(label)}")
    # A path of bytes that are not UTF-8 is written as Python reads it, with surrogates.
    if not _is_encodable(path, "surrogateescape") or not _is_encodable(label, "strict"):
        return Row(index, problem="a text holds NUL or half of a surrogate pair; write the characters themselves")
    return Row(index, (path or "").strip(), label.strip() if isinstance(label, str) else label, (split or "").strip())


def _is_encodable(text: str | int | None, errors: str) -> bool:
    try:
        return b"\0" not in str(text).encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
