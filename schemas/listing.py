"""The local files below a directory, those behind links too."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

# Of an image folder those outside are only listed to be refused.
_MAX_OUTSIDE = 10_000


def is_remote(path: str) -> bool:
    """Whether a path has a URL's scheme, such as gs:// or s3://."""
    return _SCHEME.match(path) is not None


def is_hidden(name: str, data_format: str) -> bool:
    """Whether a file of a source does not count, for its own name's sake or a directory's.

    Cameras write `_DSC01.jpg`, so `_` hides among TFRecords alone, where `_SUCCESS` and the like are usual.

    Args:
      name: the path below the source, or below its span.
      data_format: `data.format` of the experiment.
    """
    marks = (".", "_") if data_format == "tfrecord" else (".",)
    return any(part.startswith(marks) for part in name.split("/"))


def cannot_be_listed(error: OSError, root: str) -> str:
    """What to say where `local_files` fails."""
    return f"{error.filename or root} cannot be listed: {error.strerror or error}; give this user the right to"


def local_files(
    root: str,
    data_format: str,
    enters: Callable[[str], bool] | None = None,
    own: Callable[[str], str] | None = None,
) -> Iterator[str]:
    """Paths of all files below a directory, each directory's in the order of their names.

    Links to directories are followed, unless the directory is listed already where it lies; nor is one
    listed twice behind the same link, so that links in a circle come to an end. Links that lead nowhere are
    listed like files, so that they can be refused rather than missed.

    Args:
      root: where to start; if there is no such directory, it has no files.
      data_format: `data.format` of the experiment.
      enters: whether a directory is looked into, by its path; without it, all but hidden ones are.
      own: of a directory, which part of the source it belongs to, as to a span; what one part holds need not
        be listed for another. Without it all is one part.

    Raises:
      OSError: a directory cannot be listed.
    """
    enters = enters or (lambda directory: not is_hidden(os.path.basename(directory), data_format))
    max_outside = _MAX_OUTSIDE if data_format == "image_folder" else None
    walk = _Walk(root, enters, own or (lambda directory: root), max_outside)
    links: list[str] = []
    yield from walk.files(root, walk.listed, links)
    for link in sorted(links):
        pending, seen = [link], set[tuple[str, str]]()
        while pending:
            further: list[str] = []
            yield from walk.files(pending.pop(), seen, further)
            pending += sorted(further, reverse=True)


class _Walk:
    """What is known while a source is listed."""

    def __init__(
        self, root: str, enters: Callable[[str], bool], own: Callable[[str], str], max_outside: int | None
    ) -> None:
        self._root, self._enters, self._own = root, enters, own
        self._real_root = os.path.join(os.path.realpath(root), "")
        self._max_outside = max_outside
        self._num_outside = 0
        self.listed: set[tuple[str, str]] = set()
        """The directories that need no link: the part that each belongs to, and its real path."""

    def files(self, top: str, seen: set[tuple[str, str]], links: list[str]) -> Iterator[str]:
        """Files below a directory, but for those behind links to directories, which are appended to `links`."""
        real_top = os.path.realpath(top)
        for directory, directories, names in os.walk(top, onerror=self._raise):
            real = os.path.normpath(os.path.join(real_top, directory[len(top) :].lstrip("/")))
            key = (self._own(directory), real)
            if key in seen or key in self.listed:
                directories.clear()
                continue
            seen.add(key)
            directories[:] = sorted(name for name in directories if self._enters(os.path.join(directory, name)))
            names.sort()
            if self._max_outside is not None and not os.path.join(real, "").startswith(self._real_root):
                del names[self._max_outside - self._num_outside :]
                self._num_outside += len(names)
                if self._num_outside == self._max_outside:
                    directories.clear()
            links += filter(os.path.islink, (os.path.join(directory, name) for name in directories))
            yield from (os.path.join(directory, name) for name in names)

    def _raise(self, error: OSError) -> None:
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        if not (is_missing and error.filename == self._root):
            raise error
