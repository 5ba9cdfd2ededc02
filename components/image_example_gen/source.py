"""The files of a source: which there are, of which span, and a fingerprint of them all."""

from __future__ import annotations

import hashlib
import itertools
import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from apache_beam.io.filesystems import FileSystems

from components.errors import DataError
from components.image_example_gen import spans
from schemas.data import Data
from schemas.places import is_remote

# Custom property of examples and their statistics: which files they come from.
INPUT_FINGERPRINT = "input_fingerprint"

_MAX_BEHIND_LINKS = 10_000


class SourceFile(NamedTuple):
    """One file of the source."""

    path: str
    relative_path: str
    """Below the source, or below what all its spans have in common."""
    name: str
    """Below its span's own directory; without spans the same as `relative_path`."""
    num_bytes: int
    modified: float
    span: int | None = None
    version: int | None = None


def list_files(data: Data, source: str) -> list[SourceFile]:
    """Lists the files of a source, or of its newest spans, in the order of their names.

    Files below a name that starts with `.` or `_` do not count. Of an image folder, those behind links are
    listed as well, so that they can be refused rather than missed.

    Args:
      data: the experiment's section.
      source: a directory or a manifest, local or of any file system that Beam reads.

    Raises:
      DataError: there is no such file.
    """
    if spans.has_placeholders(source):
        found = _files_of_spans(data, source)
    elif data.format == "manifest":
        directory, name = posixpath.split(source)
        found = [file for file in list_directory(directory) if file.name == name]
    else:
        found = _list(data, source.rstrip("/") or "/")
    found = [file for file in found if not _is_hidden(file.name)]
    if not found:
        raise DataError(f"no file in {source}; check data.source, and that the names do not start with '.' or '_'")
    return sorted(found, key=lambda file: file.relative_path)


def list_directory(directory: str) -> list[SourceFile]:
    """All files below a directory, hidden ones too, in no order."""
    # Beam cannot be told that a directory is called a[b], but finds it, with its like, as a?b].
    anywhere = re.sub(r"[*?\[]", "?", directory.rstrip("/"))
    start = f"{directory.rstrip('/')}/"
    return [
        SourceFile(
            metadata.path,
            relative := metadata.path.removeprefix(start),
            relative,
            metadata.size_in_bytes,
            metadata.last_updated_in_seconds,
        )
        for metadata in FileSystems.match([f"{anywhere}/**"])[0].metadata_list
        if metadata.path.startswith(start)
    ]


def _list(data: Data, directory: str) -> list[SourceFile]:
    files = list_directory(directory)
    if data.format != "image_folder" or is_remote(directory):
        return files
    passed_over = _passed_over(directory, {file.path for file in files})
    return [*files, *itertools.islice(passed_over, _MAX_BEHIND_LINKS)]


def _passed_over(directory: str, listed: Collection[str]) -> Iterator[SourceFile]:
    """What Beam does not list: links that lead nowhere, and files behind links to directories outside."""
    outside = OutsideOf(directory)
    for parent, directories, names in os.walk(directory):
        yield from (_unread(path, directory) for name in names if (path := os.path.join(parent, name)) not in listed)
        for link in filter(os.path.islink, (os.path.join(parent, name) for name in directories)):
            for below, deeper, inner in os.walk(link):
                if not outside.is_left_by(os.path.join(below, "file")):
                    deeper.clear()
                    continue
                paths = (os.path.join(below, name) for name in inner)
                yield from (_unread(path, directory) for path in paths if outside.is_left_by(path))


def _unread(path: str, directory: str) -> SourceFile:
    relative = path.removeprefix(f"{directory.rstrip('/')}/")
    return SourceFile(path, relative, relative, 0, 0.0)


def _files_of_spans(data: Data, source: str) -> list[SourceFile]:
    files = {file.path: file for file in _list(data, spans.fixed_directory(source))}
    found = spans.find(source, files, data.format == "manifest")
    found = [file for file in found if not _is_hidden(file.name)]
    if not found:
        raise DataError(
            f"no file matches {source}; give a path such as /data/span-{{SPAN}}/v{{VERSION}}/*, with numbers in place"
            " of the braces in the names of the directories"
        )
    return [
        files[file.path]._replace(name=file.name, span=file.span, version=file.version)
        for file in spans.newest(found, data.spans.window)
    ]


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def is_no_file(path: str) -> bool:
    """Whether a local path is a pipe, a device or a directory: to open a pipe would be to wait for its writer."""
    return os.path.exists(path) and not os.path.isfile(path)


def fingerprint(files: Iterable[SourceFile]) -> str:
    """SHA-256 over names, sizes and times of change, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_path}\0{file.num_bytes}\0{file.modified}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def newest_span(files: Sequence[SourceFile]) -> tuple[int | None, int | None]:
    """The newest span among files and its version; None where the source has no spans."""
    newest = max(files, key=lambda file: (file.span or 0, file.version or 0))
    return newest.span, newest.version


class OutsideOf:
    """Tells which local paths leave a directory, by `..` or by a link."""

    def __init__(self, root: str) -> None:
        self._is_local = not is_remote(root)
        self._root = os.path.join(os.path.realpath(root), "") if self._is_local else ""

    def is_left_by(self, path: str) -> bool:
        """Whether the file that a path means is not below the directory."""
        return self._is_local and not os.path.realpath(path).startswith(self._root)
