"""The files of a source: which there are, of which span, and a fingerprint of them all."""

from __future__ import annotations

import hashlib
import itertools
import os
import posixpath
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from components.errors import DataError
from components.image_example_gen import spans
from schemas.data import Data
from schemas.listing import cannot_be_listed, is_hidden, is_remote, local_files

# Of a remote file system, one by one.
_MAX_ASKED_FOR = 1_000


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

    Hidden files do not count. Links are followed; those of an image folder that lead outside are listed as
    well, so that they can be refused rather than missed.

    Args:
      data: the experiment's section.
      source: a directory or a manifest, local or of any file system that Beam reads.

    Raises:
      DataError: there is no such file, or a directory cannot be listed.
    """
    if data.format == "image_folder":
        # Its files lie deeper, in the directories of the classes.
        source = source.removesuffix("/*")
    if spans.has_placeholders(source):
        found = _files_of_spans(data, source)
    elif data.format == "manifest":
        files = files_at([source], posixpath.dirname(source))
        found = [file for file in files.values() if not is_hidden(file.name, data.format)]
    else:
        found = _files_of_directory(data, source.rstrip("/") or "/")
    if not found:
        marks = "'.' or '_'" if data.format == "tfrecord" else "'.'"
        raise DataError(f"no file in {source}; check data.source, and that the names do not start with {marks}")
    return sorted(found, key=lambda file: file.relative_path)


def files_at(paths: Collection[str], directory: str) -> dict[str, SourceFile]:
    """Those of some paths that are files, without a look at what else is there.

    Args:
      paths: below the directory, and all local or all remote.
      directory: which their names start from.
    """
    if paths and is_remote(next(iter(paths))):
        return {file.path: file for file in _remote_files(_patterns(paths), directory) if file.path in paths}
    return {path: file for path in paths if (file := _local_file(path, directory)) is not None}


def _patterns(paths: Collection[str]) -> list[str]:
    if len(paths) <= _MAX_ASKED_FOR:
        return [_literal(path) for path in paths]
    # Each would be a request or two of its own: to list what they have in common takes fewer.
    scheme, separator, _ = next(iter(paths)).partition("://")
    common = posixpath.commonpath([posixpath.dirname(path.removeprefix(scheme + separator)) for path in paths])
    return [f"{scheme}{separator}{_literal(common)}/**"]


def _literal(path: str) -> str:
    """A pattern that matches a path: Beam cannot be told that it is a[b], but finds it, with its like, as a?b]."""
    return re.sub(r"[*?\[]", "?", path)


def _remote_files(patterns: Sequence[str], directory: str) -> Iterator[SourceFile]:
    # Loaded here, for it takes seconds, and what is local needs none of it.
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    start = f"{directory.rstrip('/')}/"
    try:
        matches = FileSystems.match(patterns)
    except BeamIOError as error:
        raise DataError(f"{directory} cannot be listed: {error}; give this user the right to") from error
    for metadata in itertools.chain.from_iterable(match.metadata_list for match in matches):
        if metadata.path.startswith(start):
            name = metadata.path.removeprefix(start)
            yield SourceFile(metadata.path, name, name, metadata.size_in_bytes, metadata.last_updated_in_seconds)


def _local_file(path: str, directory: str) -> SourceFile | None:
    """None where there is no such file; one that is closed is there, and says so when it is opened."""
    name = path.removeprefix(f"{directory.rstrip('/')}/")
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return SourceFile(path, name, name, 0, 0.0)
    return None if stat.S_ISDIR(found.st_mode) else SourceFile(path, name, name, found.st_size, found.st_mtime)


def _files_of_directory(data: Data, directory: str) -> list[SourceFile]:
    start = len(directory.rstrip("/")) + 1
    paths, file_at = _paths(data, directory)
    return [file_at(path) for path in paths if not is_hidden(path[start:], data.format)]


def _files_of_spans(data: Data, source: str) -> list[SourceFile]:
    is_file = data.format == "manifest"
    directories = spans.Directories(source, is_file)

    def enters(path: str) -> bool:
        return directories.may_hold_files(path) and not is_hidden(directories.name(path), data.format)

    paths, file_at = _paths(data, spans.fixed_directory(source), enters, directories.own)
    found = [file for file in spans.find(source, paths, is_file) if not is_hidden(file.name, data.format)]
    if not found:
        raise DataError(
            f"no file matches {source}; give a path such as /data/span-{{SPAN}}/v{{VERSION}}/*, with numbers in place"
            " of the braces in the names of the directories"
        )
    taken = spans.newest(found, data.spans.window, data.spans.last)
    if not taken:
        oldest = min(file.span for file in found)
        raise DataError(f"data.spans.last is {data.spans.last}, but the oldest span of {source} is {oldest}")
    return [file_at(file.path)._replace(name=file.name, span=file.span, version=file.version) for file in taken]


def _paths(
    data: Data, directory: str, enters: Callable[[str], bool] | None = None, own: Callable[[str], str] | None = None
) -> tuple[Collection[str], Callable[[str], SourceFile]]:
    """The paths of the files below a directory, and what gives the file of a path."""
    if is_remote(directory):
        files = {file.path: file for file in _remote_files([f"{_literal(directory.rstrip('/'))}/**"], directory)}
        return files, files.__getitem__
    try:
        paths = list(local_files(directory, data.format, enters, own))
    except OSError as error:
        raise DataError(cannot_be_listed(error, directory)) from error

    def file_at(path: str) -> SourceFile:
        name = path.removeprefix(f"{directory.rstrip('/')}/")
        return _local_file(path, directory) or SourceFile(path, name, name, 0, 0.0)

    return paths, file_at


def open_as_it_is(path: str) -> BinaryIO:
    """A file, local or of any file system that Beam reads, opened for its bytes: a packed one stays packed."""
    if not is_remote(path):
        return open(path, "rb")
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def is_no_file(path: str) -> bool:
    """Whether a local path is a pipe, a device, a directory or a link to nothing: a pipe would wait for its writer."""
    return os.path.lexists(path) and not os.path.isfile(path)


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
