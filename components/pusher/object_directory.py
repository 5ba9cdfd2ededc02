"""A serving directory in an object store, at gs:// or s3://.

An object store has no rename, no lock and no sync; each object appears whole or not at all. So
- a version's files are written under its number and checked, `saved_model.pb` last; without it there is no version. A
  server that polls the bucket may list it already: it cannot load it, tries again, and goes on serving the last one;
- a pusher claims its number by an object that only one can create, and renews the claim before each file. What a dead
  pusher has left is removed by the first push or rollback an hour later;
- a rollback copies the newer versions to names that are no numbers, then deletes them, `saved_model.pb` first, the live
  one last;
- pushes and rollbacks at the same moment do not wait for each other; the history has an object for each event.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from components.errors import StageError
from components.identity import who
from components.object_store import ObjectStore
from components.pusher import naming
from components.pusher.history import Event, read_lines, to_line
from components.pusher.manifest import FileFacts, Files, Manifest, differences

_CLAIM = ".claim-"
_EVENTS = ".history/"
_ABANDONED_SECONDS = 3600.0


class ObjectDirectory:
    """The methods are those of `LocalDirectory`, whose docstrings hold here too but for what this module's says."""

    def __init__(self, objects: ObjectStore, abandoned_seconds: float = _ABANDONED_SECONDS) -> None:
        """Reads nothing yet.

        Args:
          objects: the directory's.
          abandoned_seconds: after which a claim that was not renewed counts as a dead pusher's.
        """
        self._objects = objects
        self.location = objects.location
        self._abandoned_seconds = abandoned_seconds

    def versions(self) -> list[int]:
        return self._complete("")

    def rolled_back(self) -> list[int]:
        return self._complete(naming.ROLLED_BACK)

    def taken(self) -> list[int]:
        first_parts = {path.partition("/")[0] for path in self._objects.sizes()}
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
        sizes = self._objects.sizes(prefix)
        sizes.pop(naming.MANIFEST, None)
        stated = {path: FileFacts(facts.size, "") for path, facts in manifest.files.items()}
        return differences(stated, {path: FileFacts(size, "") for path, size in sizes.items()})

    def events(self) -> list[Event]:
        names = sorted(self._objects.sizes(_EVENTS))
        return read_lines(self._objects.read(_EVENTS + name).decode(errors="replace") for name in names)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Removes what dead pushers have left; keeps nobody out."""
        for name in self._objects.sizes():
            version = naming.version_of(name, _CLAIM)
            if version is not None and self._is_abandoned(name):
                if version not in self.versions():
                    self._delete(f"{version}/")
                self._objects.remove(name)
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
        self._objects.write(f"{_EVENTS}{moment:%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}.json", to_line(event).encode())

    def write(self, name: str, text: str) -> None:
        self._objects.write(name, text.encode())

    @contextlib.contextmanager
    def at_hand(self, version: int) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as directory:
            for path in self._objects.sizes(f"{version}/"):
                target = Path(directory, str(version), path)
                target.parent.mkdir(parents=True, exist_ok=True)
                self._objects.get(f"{version}/{path}", target)
            yield Path(directory)

    def _complete(self, prefix: str) -> list[int]:
        graphs = (path.partition("/") for path in self._objects.sizes() if path.count("/") == 1)
        found = (naming.version_of(name, prefix) for name, _, file in graphs if file == naming.GRAPH)
        return sorted(version for version in found if version is not None)

    def _prefix(self, version: int) -> str:
        return f"{version}/" if version in self.versions() else f"{naming.ROLLED_BACK}{version}/"

    def _manifest(self, prefix: str) -> Manifest | None:
        try:
            return Manifest.from_json(self._objects.read(prefix + naming.MANIFEST))
        except (FileNotFoundError, ValueError):
            return None

    def _upload(self, servable: Path, manifest: Manifest, version: int) -> bool:
        prefix, claim = f"{version}/", f"{_CLAIM}{version}"
        try:
            self._objects.create(claim, self._claim())
        except FileExistsError:
            return False
        try:
            if self._objects.sizes(prefix):
                return False
            self._write_version(servable, manifest, prefix, lambda: self._objects.write(claim, self._claim()))
        except BaseException:
            with contextlib.suppress(StageError):
                self._delete(prefix)
            raise
        finally:
            with contextlib.suppress(StageError):
                self._objects.remove(claim)
        return True

    def _write_version(self, servable: Path, manifest: Manifest, prefix: str, renew: Callable[[], None]) -> None:
        others = {path: facts for path, facts in manifest.files.items() if path != naming.GRAPH}
        for path in others:
            renew()
            self._objects.put(servable / path, prefix + path)
        self._objects.write(prefix + naming.MANIFEST, manifest.to_json().encode())
        self._check(prefix, others)
        renew()
        self._objects.put(servable / naming.GRAPH, prefix + naming.GRAPH)
        self._check(prefix, manifest.files)

    def _check(self, prefix: str, expected: Files) -> None:
        """Lists and reads back what was written; raises StageError where it differs."""
        paths = self._objects.sizes(prefix).keys() - {naming.MANIFEST}
        if damage := differences(expected, {path: self._facts(prefix + path) for path in paths}):
            raise StageError(f"what is at {self.location}/{prefix} is not what was written: {damage}; run again")

    def _facts(self, path: str) -> FileFacts:
        return FileFacts(*self._objects.digest(path))

    def _claim(self) -> bytes:
        return json.dumps({"who": who(), "renewed": time.time()}).encode()

    def _is_abandoned(self, claim: str) -> bool:
        try:
            renewed = float(json.loads(self._objects.read(claim))["renewed"])
        except FileNotFoundError:
            return False
        return time.time() - renewed > self._abandoned_seconds

    def _move(self, source: str, target: str) -> None:
        # The graph makes a version whole: it is written last and deleted first.
        for path in sorted(self._objects.sizes(source), key=lambda path: path == naming.GRAPH):
            self._objects.copy(source + path, target + path)
        self._delete(source)

    def _delete(self, prefix: str) -> None:
        for path in sorted(self._objects.sizes(prefix), key=lambda path: path != naming.GRAPH):
            self._objects.remove(prefix + path)
