"""A serving directory on a local or mounted file system."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from components.durability import make_directories, sync, sync_tree
from components.errors import StageError
from components.pusher import naming
from components.pusher.history import Event, read_lines, to_line
from components.pusher.locking import exclusive, try_to_lock
from components.pusher.manifest import Manifest, differences, digest_of, files_of

_LOCK_SECONDS = 120.0


class LocalDirectory:
    """Version directories that a model server polls. Each appears and disappears in one rename.

    Changes are made while `exclusive` is held. A servable is copied without it, so that a rollback never waits
    for a copy; its pusher holds a lock of its own meanwhile, by which others know that it is alive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = str(path)

    def versions(self) -> list[int]:
        """Published versions, oldest first. The last one is what a model server loads."""
        return self._directories("")

    def rolled_back(self) -> list[int]:
        """Versions that are kept although they were rolled back, oldest first."""
        return self._directories(naming.ROLLED_BACK)

    def taken(self) -> list[int]:
        """Every number that anything here has."""
        prefixes = ("", naming.ROLLED_BACK, naming.REMOVED)
        found = (naming.version_of(name, prefix) for name in self._names() for prefix in prefixes)
        return [version for version in found if version is not None]

    def digest(self, version: int) -> str | None:
        """Digest of a published version, of all its bytes; None where they cannot be read."""
        try:
            return digest_of(files_of(self.path / str(version)))
        except OSError:
            return None

    def stated_digest(self, version: int) -> str | None:
        """Digest that a published or rolled back version had when it was pushed, by its manifest."""
        manifest = self._manifest(version)
        return manifest.digest if manifest else None

    def damage(self, version: int) -> str | None:
        """What is wrong with a published or rolled back version, of all its bytes; None where nothing is."""
        directory = self._directory(version)
        try:
            found = files_of(directory)
        except OSError as error:
            return f"{error.strerror} ({error.filename})"
        if naming.GRAPH not in found:
            return f"{naming.GRAPH} is missing"
        manifest = self._manifest(version)
        return differences(manifest.files, found) if manifest else None

    def events(self) -> list[Event]:
        """The history, oldest first."""
        try:
            with (self.path / naming.HISTORY).open(encoding="utf-8", errors="replace") as lines:
                return read_lines(lines)
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keeps all others from changing the directory; removes what dead pushers have left in it.

        Raises:
          StageError: another held it for too long.
          OSError: the directory cannot be made or written to.
        """
        make_directories(self.path)
        with exclusive(self.path / naming.LOCK, _LOCK_SECONDS):
            self._sweep()
            yield

    @contextlib.contextmanager
    def staged(self, servable: Path, manifest: Manifest) -> Iterator[Callable[[int], bool]]:
        """Copies a servable beside its place, checks and syncs the copy.

        Gives a function that makes it a version, in one rename, while `exclusive` is held; it says whether it did, or
        whether the number was taken.

        Raises:
          StageError: the copy is not what the manifest says.
          OSError: the servable cannot be read, or the directory not be written to. Nothing is left behind.
        """
        staging = self.path / f"{naming.STAGING}{uuid.uuid4().hex}"
        lock = staging.with_name(f"{staging.name}{naming.LOCK_SUFFIX}")
        with self.exclusive():
            held = try_to_lock(lock)
        try:
            shutil.copytree(servable, staging)
            if damage := differences(manifest.files, files_of(staging)):
                raise StageError(f"the copy of {servable} is not what it should be: {damage}; run again")
            (staging / naming.MANIFEST).parent.mkdir(exist_ok=True)
            (staging / naming.MANIFEST).write_text(manifest.to_json())
            sync_tree(staging)
            yield lambda version: self._commit(staging, version)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            lock.unlink(missing_ok=True)
            if held is not None:
                os.close(held)

    def withdraw(self, version: int) -> None:
        """Takes a published version away, in one rename."""
        self._rename(str(version), f"{naming.ROLLED_BACK}{version}")

    def restore(self, version: int) -> None:
        """Publishes a version again that was rolled back, in one rename."""
        self._rename(f"{naming.ROLLED_BACK}{version}", str(version))

    def remove(self, version: int) -> None:
        """Deletes a published or rolled back version; it is away before the first of its files is."""
        removed = f"{naming.REMOVED}{version}"
        self._rename(self._directory(version).name, removed)
        shutil.rmtree(self.path / removed, ignore_errors=True)

    def record(self, event: Event) -> None:
        """Appends to the history."""
        with (self.path / naming.HISTORY).open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                # A crash may have cut the last line short.
                cut = file.read(1) != b"\n"
            else:
                cut = False
            file.write(b"\n" * cut + to_line(event).encode())
            file.flush()
            os.fsync(file.fileno())
        sync(self.path)

    def write(self, name: str, text: str) -> None:
        """Writes a file beside the versions, whole or not at all."""
        growing = self.path / f"{naming.WRITING}{uuid.uuid4().hex}"
        growing.write_text(text, encoding="utf-8")
        sync(growing)
        os.replace(growing, self.path / name)
        sync(self.path)

    @contextlib.contextmanager
    def at_hand(self, version: int) -> Iterator[Path]:
        """A local directory in which the version is, under its number."""
        del version
        yield self.path

    def _names(self) -> list[str]:
        return os.listdir(self.path) if self.path.is_dir() else []

    def _directories(self, prefix: str) -> list[int]:
        found = (naming.version_of(name, prefix) for name in self._names())
        return sorted(
            version for version in found if version is not None and (self.path / f"{prefix}{version}").is_dir()
        )

    def _directory(self, version: int) -> Path:
        published = self.path / str(version)
        return published if published.is_dir() else self.path / f"{naming.ROLLED_BACK}{version}"

    def _manifest(self, version: int) -> Manifest | None:
        try:
            return Manifest.from_json((self._directory(version) / naming.MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None

    def _commit(self, staging: Path, version: int) -> bool:
        place = self.path / str(version)
        if place.exists():
            return False
        staging.rename(place)
        sync(self.path)
        return True

    def _rename(self, source: str, target: str) -> None:
        (self.path / source).rename(self.path / target)
        sync(self.path)

    def _sweep(self) -> None:
        """Removes what is half written or half deleted and whose process is dead."""
        names = self._names()
        for name in names:
            if name.startswith(naming.STAGING) and not name.endswith(naming.LOCK_SUFFIX):
                self._remove_if_dead(name)
            elif name.startswith(naming.REMOVED):
                shutil.rmtree(self.path / name, ignore_errors=True)
            elif name.startswith(naming.WRITING):
                (self.path / name).unlink()
        for name in names:
            # Of a pusher that died before it had copied anything.
            if name.startswith(naming.STAGING) and name.endswith(naming.LOCK_SUFFIX) and (self.path / name).exists():
                self._remove_if_dead(name.removesuffix(naming.LOCK_SUFFIX))

    def _remove_if_dead(self, staging: str) -> None:
        lock = self.path / f"{staging}{naming.LOCK_SUFFIX}"
        descriptor = try_to_lock(lock)
        if descriptor is not None:
            shutil.rmtree(self.path / staging, ignore_errors=True)
            lock.unlink(missing_ok=True)
            os.close(descriptor)
