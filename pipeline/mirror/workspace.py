"""The local copy of an experiment's part of a workspace at gs:// or s3://: what is fetched, and what is sent when.

Artifacts, checkpoints and embedded data sets are an object each, a tar archive, so that each is there whole or not at
all; records, logs, reports and the quarantine are files as they are. An artifact is sent before ML Metadata says that
it is complete, the rest once a second, as far as it has changed, and at the end.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from components.errors import StageError
from components.object_store import ObjectStore
from pipeline.mirror.packing import pack, unpack
from pipeline.paths import DATASETS, Paths
from pipeline.record import RECORD_NAME

_PAUSE = 1.0
_ARCHIVE = ".tar"
# As of <experiment>/artifacts/<node>/<output>/<execution>.
_ARTIFACT_DEPTH = 5

_Signature = tuple[tuple[str, int, int], ...]


class Mirror:
    """One process's copy, for one run; only that process writes to it."""

    def __init__(self, location: str, paths: Paths, run_id: str) -> None:
        """Touches nothing yet.

        Args:
          location: URL of the workspace.
          paths: of the copy; the same for all processes of all runs, for ML Metadata has them as the artifacts' uris.
          run_id: of the run that is worked on.
        """
        self.objects = ObjectStore(location)
        self.location = self.objects.location
        self._paths = paths
        self._run_id = run_id
        self._sent: dict[str, _Signature] = {}
        self._sending, self._fetching = threading.Lock(), threading.Lock()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Fetches what the run builds upon; sends what it writes, meanwhile and at the end.

        Raises:
          StageError: the object store does not answer, or refuses, or the copy's disk is full, at the start or at the
            end.
        """
        with self._reported():
            self._pull()
        ended = threading.Event()
        sender = threading.Thread(target=self._keep_sending, args=(ended,), daemon=True)
        sender.start()
        try:
            yield
        finally:
            ended.set()
            sender.join()
            with self._reported():
                self.send()

    def fetch(self, uri: str) -> None:
        """As of `pipeline.artifacts.Artifacts`."""
        place = Path(uri)
        # TFX may ask from several threads.
        with self._fetching:
            if not place.exists() and self._is_an_object(place):
                with suppress(FileNotFoundError), self._temporary() as archive:
                    self.objects.get(self._path(place) + _ARCHIVE, archive)
                    unpack(archive, place)

    def keep(self, uri: str) -> None:
        """As of `pipeline.artifacts.Artifacts`."""
        place = Path(uri)
        if place.exists():
            with self._temporary() as archive:
                pack(place, archive)
                self.objects.put(archive, self._path(place) + _ARCHIVE)

    def send(self) -> None:
        """Sends what has changed since it was sent last, and removes what is gone.

        Raises:
          StageError: the object store does not answer, or refuses.
          OSError: what is sent cannot be packed.
        """
        with self._sending:
            for file in self._files():
                self._send(self._path(file), file, packed=False)
            # The directory of a training, or of a search, grows by directories that do not change any more.
            for place in sorted(self._paths.checkpoints.glob("[!.]*/[!.]*")):
                packed = place.is_dir()
                self._send(self._path(place) + (_ARCHIVE if packed else ""), place, packed)
            for path in [path for path in self._sent if not self._place(path).exists()]:
                with suppress(FileNotFoundError):
                    self.objects.remove(path)
                del self._sent[path]

    def _keep_sending(self, ended: threading.Event) -> None:
        while not ended.wait(_PAUSE):
            try:
                self.send()
            except (StageError, OSError) as error:
                # At the end it is tried once more, and matters.
                logging.warning("what was written is not sent yet: %s", error)

    def _pull(self) -> None:
        """Records of all runs; logs of this one; checkpoints and quarantine."""
        shutil.rmtree(self._paths.root, ignore_errors=True)
        own = self._path(self._paths.runs / self._run_id)
        for prefix in (self._paths.runs, self._paths.checkpoints, self._paths.quarantine):
            start = f"{self._path(prefix)}/"
            for rest in self.objects.sizes(start):
                path = start + rest
                if prefix != self._paths.runs or path.startswith(f"{own}/") or rest.endswith(f"/{RECORD_NAME}"):
                    self._get(path)

    def _get(self, path: str) -> None:
        place = self._place(path)
        with self._temporary() as file:
            self.objects.get(path, file)
            if path.endswith(_ARCHIVE):
                unpack(file, place)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, place)
        self._sent[path] = _signature(place)

    def _send(self, path: str, place: Path, packed: bool) -> None:
        # It may be written to, or renamed, at this moment: then it is sent the next time.
        with suppress(FileNotFoundError):
            signature = _signature(place)
            if self._sent.get(path) == signature:
                return
            if packed:
                with self._temporary() as archive:
                    pack(place, archive, hidden=False)
                    self.objects.put(archive, path)
            else:
                self.objects.put(place, path)
            self._sent[path] = signature

    def _files(self) -> Iterator[Path]:
        own = self._paths.runs / self._run_id
        for directory in (own, self._paths.reports, self._paths.quarantine):
            yield from (path for path in sorted(directory.glob("[!.]*")) if path.is_file())

    def _is_an_object(self, place: Path) -> bool:
        """Whether a place is that of an artifact, of any experiment, or of an embedded data set."""
        if not place.is_relative_to(self._paths.workspace):
            return False
        path = place.relative_to(self._paths.workspace)
        is_artifact = len(path.parts) == _ARTIFACT_DEPTH and path.match(f"*/{self._paths.artifacts.name}/*/*/*")
        return is_artifact or path.parent == Path(DATASETS)

    def _path(self, place: Path) -> str:
        return place.relative_to(self._paths.workspace).as_posix()

    def _place(self, path: str) -> Path:
        is_checkpoint = path.startswith(f"{self._path(self._paths.checkpoints)}/")
        return self._paths.workspace / (path.removesuffix(_ARCHIVE) if is_checkpoint else path)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise StageError(
                f"the copy of {self.location} in {self._paths.workspace} cannot be used: {reason}"
            ) from error

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        self._paths.workspace.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._paths.workspace, prefix=".mirror-") as directory:
            yield Path(directory, "object")


def _signature(place: Path) -> _Signature:
    """What tells whether a file, or a directory's content but for what is hidden, has changed."""
    members = sorted(place.rglob("*")) if place.is_dir() else [place]
    names = {path: path.relative_to(place) for path in members}
    seen = [path for path, name in names.items() if not any(part.startswith(".") for part in name.parts)]
    found = ((names[path].as_posix(), path.stat()) for path in seen)
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
