"""Embedded data sets, made on first use."""

from __future__ import annotations

import errno
import fcntl
import importlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from components.durability import make_directories, sync, sync_tree
from pipeline.datasets import DATASETS

# Hidden, so that no reader takes it for a file of examples.
_MANIFEST = ".dataset.json"
# To be raised where the same data set is written differently: what was prepared before is then made anew.
_FORMAT_VERSION = 1


class _Manifest(NamedTuple):
    """What a finished preparation says about itself; `files` maps each name to its size in bytes."""

    dataset: str
    version: int
    files: dict[str, int]


def prepare(name: str, directory: Path) -> Path:
    """Makes an embedded data set's TFRecords, unless they are there already.

    They appear all at once, by the renaming of a directory that is on the disk already: a preparation that
    was killed, or a loss of power, leaves nothing that counts as complete and is not, and the next one
    removes what is left. Of two processes at once, one prepares and the other waits for it. Where everything
    is there, nothing is locked or written, and neither TensorFlow nor the data set's module is imported.

    Args:
      name: a key of `pipeline.datasets.DATASETS`.
      directory: for this data set alone; need not exist. One that this function made before and that
        is no longer whole is replaced.

    Returns:
      `directory`, which holds the shards (see `pipeline.datasets.shards.write_shards`) and a hidden file
      that lists them.

    Raises:
      ValueError: there is no such data set.
      components.errors.DataError: its images cannot be had; the message says how to mend it.
      OSError: `directory` cannot be written, or holds something else. Nothing half-written stays.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no embedded data set {name!r}; known: {', '.join(sorted(DATASETS))}")
    if _is_complete(name, directory):
        return directory
    place = directory.resolve()
    make_directories(place.parent)
    with _lock(place.with_name(f".{place.name}.lock")):
        if not _is_complete(name, place):
            _make(name, place)
    return directory


def _is_complete(name: str, directory: Path) -> bool:
    manifest = _read_manifest(directory)
    if manifest is None or (manifest.dataset, manifest.version) != (name, _FORMAT_VERSION):
        return False
    files = {directory / file: size for file, size in manifest.files.items()}
    return all(path.is_file() and path.stat().st_size == size for path, size in files.items())


def _read_manifest(directory: Path) -> _Manifest | None:
    try:
        return _Manifest(**json.loads((directory / _MANIFEST).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _make(name: str, place: Path) -> None:
    partial = place.with_name(f".{place.name}.partial")
    discarded = place.with_name(f".{place.name}.discarded")
    _refuse_anything_else(name, place)
    _remove(partial)
    try:
        partial.mkdir()
        _write(name, partial)
        sync_tree(partial)
        if place.exists():
            # Set aside whole: a removal that is cut off in the middle would leave files of unknown origin.
            _remove(discarded)
            place.rename(discarded)
        partial.rename(place)
        sync(place.parent)
    finally:
        _remove(partial)
        _remove(discarded)


def _refuse_anything_else(name: str, place: Path) -> None:
    """Guards what is not ours: only an empty directory or an earlier preparation may be replaced."""
    if not place.exists():
        return
    manifest = _read_manifest(place)
    ours = {_MANIFEST, *manifest.files} if manifest and manifest.dataset == name else set()
    others = sorted(path.name for path in place.iterdir() if path.name not in ours)
    if others:
        raise FileExistsError(
            errno.EEXIST,
            f"the data set {name} cannot be prepared over {others[0]!r}; choose another directory or clear this one",
            str(place),
        )


def _write(name: str, directory: Path) -> None:
    # Here, since both load TensorFlow or the data set's library, which a finished preparation does without.
    from pipeline.datasets.shards import write_shards

    dataset = importlib.import_module(DATASETS[name])
    paths = [path for images in dataset.read() for path in write_shards(images, directory)]
    manifest = _Manifest(name, _FORMAT_VERSION, {path.name: path.stat().st_size for path in paths})
    (directory / _MANIFEST).write_text(json.dumps(manifest._asdict(), indent=2) + "\n")


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Holds `path` locked against other processes and threads; the file is gone afterwards.

    A killed holder's lock ends with it. Whoever waited for a holder that has removed the file finds
    itself with a lock on nothing, and tries again.
    """
    while True:
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
