"""A serving directory in an object store, at gs:// or s3://.

An object store has no rename, no lock and no sync; each object appears whole or not at all. So
- a version's files are written under its number and checked, `saved_model.pb` last; without it there is no version. A
  server that polls the bucket may list it already: it cannot load it, tries again, and goes on serving the last one;
- a pusher claims its number by an object that only one can create, and renews the claim before each file. What a dead
  pusher has left is removed by the first push or rollback an hour later;
- a rollback copies the newer versions to names that are no numbers, then deletes them, `saved_model.pb` first, the live
  one last;
- pushes and rollbacks at the same moment do not wait for each other; the history has an object for each event.

Credentials and the address of another server than the usual one come from the environment, as AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from components.errors import StageError
from components.identity import who
from components.pusher import naming
from components.pusher.history import Event, read_lines, to_line
from components.pusher.manifest import FileFacts, Files, Manifest, differences

_CLAIM = ".claim-"
_EVENTS = ".history/"
_ABANDONED_SECONDS = 3600.0
_CHUNK = 1 << 20


class ObjectDirectory:
    """The methods are those of `LocalDirectory`, whose docstrings hold here too but for what this module's says."""

    def __init__(self, location: str, abandoned_seconds: float = _ABANDONED_SECONDS) -> None:
        """Does not connect yet.

        Args:
          location: URL of the directory.
          abandoned_seconds: after which a claim that was not renewed counts as a dead pusher's.
        """
        import fsspec

        self.location = location.rstrip("/")
        self._abandoned_seconds = abandoned_seconds
        with self._reported():
            self._files, root = fsspec.core.url_to_fs(self.location, use_listings_cache=False, skip_instance_cache=True)
        self._root = root.rstrip("/")

    def versions(self) -> list[int]:
        return self._complete("")

    def rolled_back(self) -> list[int]:
        return self._complete(naming.ROLLED_BACK)

    def taken(self) -> list[int]:
        first_parts = {path.partition("/")[0] for path in self._sizes()}
        prefixes = ("", naming.ROLLED_BACK, _CLAIM)
        found = (naming.version_of(name, prefix) for name in first_parts for prefix in prefixes)
        return [version for version in found if version is not None]

    def digest(self, version: int) -> str | None:
        """By the manifest, where the listing has all its files in their sizes."""
        return self.stated_digest(version) if self.damage(version) is None else None

    def stated_digest(self, version: int) -> str | None:
        manifest = self._manifest(self._prefix(version))
        return manifest.digest if manifest else None

    def damage(self, version: int) -> str | None:
        """By names and sizes alone."""
        prefix = self._prefix(version)
        manifest = self._manifest(prefix)
        if manifest is None:
            return None
        sizes = self._sizes(prefix)
        sizes.pop(naming.MANIFEST, None)
        stated = {path: FileFacts(facts.size, "") for path, facts in manifest.files.items()}
        return differences(stated, {path: FileFacts(size, "") for path, size in sizes.items()})

    def events(self) -> list[Event]:
        names = sorted(self._sizes(_EVENTS))
        return read_lines(self._read(_EVENTS + name).decode(errors="replace") for name in names)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Removes what dead pushers have left; keeps nobody out."""
        for name in self._sizes():
            version = naming.version_of(name, _CLAIM)
            if version is not None and self._is_abandoned(name):
                if version not in self.versions():
                    self._delete(f"{version}/")
                self._remove(name)
        yield

    @contextlib.contextmanager
    def staged(self, servable: Path, manifest: Manifest) -> Iterator[Callable[[int], bool]]:
        """Gives a function that uploads the servable under a number."""
        yield lambda version: self._upload(servable, manifest, version)

    def withdraw(self, version: int) -> None:
        self._move(f"{version}/", f"{naming.ROLLED_BACK}{version}/")

    def restore(self, version: int) -> None:
        self._move(f"{naming.ROLLED_BACK}{version}/", f"{version}/")

    def remove(self, version: int) -> None:
        self._delete(self._prefix(version))

    def record(self, event: Event) -> None:
        moment = datetime.fromisoformat(event["time"])
        self._write(f"{_EVENTS}{moment:%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}.json", to_line(event).encode())

    def write(self, name: str, text: str) -> None:
        self._write(name, text.encode())

    @contextlib.contextmanager
    def at_hand(self, version: int) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as directory:
            for path in self._sizes(f"{version}/"):
                target = Path(directory, str(version), path)
                target.parent.mkdir(parents=True, exist_ok=True)
                with self._reported():
                    self._files.get_file(self._at(f"{version}/{path}"), str(target))
            yield Path(directory)

    def _complete(self, prefix: str) -> list[int]:
        graphs = (path.partition("/") for path in self._sizes() if path.count("/") == 1)
        found = (naming.version_of(name, prefix) for name, _, file in graphs if file == naming.GRAPH)
        return sorted(version for version in found if version is not None)

    def _prefix(self, version: int) -> str:
        return f"{version}/" if version in self.versions() else f"{naming.ROLLED_BACK}{version}/"

    def _manifest(self, prefix: str) -> Manifest | None:
        try:
            return Manifest.from_json(self._read(prefix + naming.MANIFEST))
        except (FileNotFoundError, ValueError):
            return None

    def _upload(self, servable: Path, manifest: Manifest, version: int) -> bool:
        prefix, claim = f"{version}/", f"{_CLAIM}{version}"
        try:
            self._write(claim, self._claim(), mode="create")
        except FileExistsError:
            return False
        try:
            if self._sizes(prefix):
                return False
            self._write_version(servable, manifest, prefix, lambda: self._write(claim, self._claim()))
        except BaseException:
            with contextlib.suppress(StageError):
                self._delete(prefix)
            raise
        finally:
            with contextlib.suppress(StageError):
                self._remove(claim)
        return True

    def _write_version(self, servable: Path, manifest: Manifest, prefix: str, renew: Callable[[], None]) -> None:
        others = {path: facts for path, facts in manifest.files.items() if path != naming.GRAPH}
        for path in others:
            renew()
            self._put(servable / path, prefix + path)
        self._write(prefix + naming.MANIFEST, manifest.to_json().encode())
        self._check(prefix, others)
        renew()
        self._put(servable / naming.GRAPH, prefix + naming.GRAPH)
        self._check(prefix, manifest.files)

    def _check(self, prefix: str, expected: Files) -> None:
        """Lists and reads back what was written; raises StageError where it differs."""
        paths = self._sizes(prefix).keys() - {naming.MANIFEST}
        if damage := differences(expected, {path: self._facts(prefix + path) for path in paths}):
            raise StageError(f"what is at {self.location}/{prefix} is not what was written: {damage}; run again")

    def _facts(self, path: str) -> FileFacts:
        digest, size = hashlib.sha256(), 0
        with self._reported(), self._files.open(self._at(path), "rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        return FileFacts(size, digest.hexdigest())

    def _claim(self) -> bytes:
        return json.dumps({"who": who(), "renewed": time.time()}).encode()

    def _is_abandoned(self, claim: str) -> bool:
        try:
            renewed = float(json.loads(self._read(claim))["renewed"])
        except FileNotFoundError:
            return False
        return time.time() - renewed > self._abandoned_seconds

    def _move(self, source: str, target: str) -> None:
        # The graph makes a version whole: it is written last and deleted first.
        for path in sorted(self._sizes(source), key=lambda path: path == naming.GRAPH):
            with self._reported():
                self._files.cp_file(self._at(source + path), self._at(target + path))
        self._delete(source)

    def _delete(self, prefix: str) -> None:
        for path in sorted(self._sizes(prefix), key=lambda path: path != naming.GRAPH):
            self._remove(prefix + path)

    def _sizes(self, prefix: str = "") -> dict[str, int]:
        """Sizes of the objects below a prefix, by their path from there."""
        start = self._at(prefix)
        try:
            with self._reported():
                found = self._files.find(start, detail=True)
        except FileNotFoundError:
            return {}
        return {path[len(start) :]: facts["size"] for path, facts in found.items() if path.startswith(start)}

    def _read(self, path: str) -> bytes:
        with self._reported():
            content: bytes = self._files.cat_file(self._at(path))
        return content

    def _write(self, path: str, content: bytes, mode: str = "overwrite") -> None:
        with self._reported(passing=FileExistsError):
            self._files.pipe_file(self._at(path), content, mode=mode)

    def _put(self, file: Path, path: str) -> None:
        with self._reported(passing=FileExistsError):
            self._files.put_file(str(file), self._at(path))

    def _remove(self, path: str) -> None:
        with self._reported():
            self._files.rm_file(self._at(path))

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextlib.contextmanager
    def _reported(self, passing: type[OSError] = FileNotFoundError) -> Iterator[None]:
        """Gives what the libraries raise, each its own, one form, but for what tells the caller something."""
        try:
            yield
        except passing:
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise StageError(f"{self.location} cannot be used: {reason}; check its address and credentials") from error
