"""Objects below one place at gs:// or s3://. Each appears whole or not at all.

Credentials and the address of another server than the usual one come from the environment, as AWS_ENDPOINT_URL and
STORAGE_EMULATOR_HOST.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from components.errors import PassingError, StageError

_CHUNK = 1 << 20


class ObjectStore:
    """Every method raises StageError where the store refuses, PassingError where it does not answer; paths start at
    `location`."""

    def __init__(self, location: str) -> None:
        """Does not connect yet.

        Args:
          location: URL of the place.
        """
        import fsspec

        self.location = location.rstrip("/")
        with self._reported():
            self._files, root = fsspec.core.url_to_fs(self.location, use_listings_cache=False, skip_instance_cache=True)
        self._root = root.rstrip("/")

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Bytes of the objects whose paths begin so, by the rest of their path."""
        start = self._at(prefix)
        try:
            with self._reported():
                found = self._files.find(start, detail=True)
        except FileNotFoundError:
            return {}
        return {path[len(start) :]: facts["size"] for path, facts in found.items() if path.startswith(start)}

    def read(self, path: str) -> bytes:
        """An object's content.

        Raises:
          FileNotFoundError: there is none.
        """
        with self._reported():
            content: bytes = self._files.cat_file(self._at(path))
        return content

    def digest(self, path: str) -> tuple[int, str]:
        """An object's size in bytes and SHA-256, of what is read back.

        Raises:
          FileNotFoundError: there is none.
        """
        digest, size = hashlib.sha256(), 0
        with self._reported(), self._files.open(self._at(path), "rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        return size, digest.hexdigest()

    def write(self, path: str, content: bytes) -> None:
        """Makes an object, in place of what is there."""
        with self._reported(passing=()):
            self._files.pipe_file(self._at(path), content)

    def create(self, path: str, content: bytes) -> None:
        """Makes an object that only one can make.

        Raises:
          FileExistsError: it is there.
        """
        with self._reported(passing=FileExistsError):
            self._files.pipe_file(self._at(path), content, mode="create")

    def put(self, file: Path, path: str) -> None:
        """Uploads a file, in place of what is there.

        Raises:
          FileNotFoundError: there is no such file.
        """
        if not file.exists():
            raise FileNotFoundError(file)
        # There is no such bucket, to some libraries.
        with self._reported(passing=()):
            self._files.put_file(str(file), self._at(path))

    def get(self, path: str, file: Path) -> None:
        """Downloads to a file, whose directory is there.

        Raises:
          FileNotFoundError: there is no such object.
        """
        with self._reported():
            self._files.get_file(self._at(path), str(file))

    def copy(self, source: str, target: str) -> None:
        """Copies an object within the store."""
        with self._reported():
            self._files.cp_file(self._at(source), self._at(target))

    def remove(self, path: str) -> None:
        """Removes an object.

        Raises:
          FileNotFoundError: there is none.
        """
        with self._reported():
            self._files.rm_file(self._at(path))

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextlib.contextmanager
    def _reported(self, passing: type[OSError] | tuple[()] = FileNotFoundError) -> Iterator[None]:
        """Gives what the libraries raise, each its own, one form, but for what tells the caller something."""
        try:
            yield
        except passing:
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            kind = StageError if isinstance(error, (PermissionError, FileNotFoundError)) else PassingError
            raise kind(f"{self.location} cannot be used: {reason}; check its address and credentials") from error
