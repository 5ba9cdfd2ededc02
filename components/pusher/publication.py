"""Version directories that a model server polls."""

from __future__ import annotations

import filecmp
import os
import shutil
import time
import uuid
from pathlib import Path

_STAGING_PREFIX = ".staging-"
_FINGERPRINT = "fingerprint.pb"


def versions(serving_directory: Path) -> list[int]:
    """Published versions, oldest first."""
    return [int(entry.name) for entry in _numbered(serving_directory) if entry.is_dir()]


def is_newest(servable: Path, serving_directory: Path) -> bool:
    """Whether the newest version is this SavedModel, by the fingerprint that TensorFlow gives each one.

    Args:
      servable: directory of the SavedModel.
      serving_directory: parent of the version directories.
    """
    published = versions(serving_directory)
    if not published:
        return False
    newest = serving_directory / str(published[-1]) / _FINGERPRINT
    return newest.is_file() and filecmp.cmp(servable / _FINGERPRINT, newest, shallow=False)


def publish(servable: Path, serving_directory: Path) -> int:
    """Copies a SavedModel beside its place and renames it, so that a poller never sees a part of it.

    Args:
      servable: directory of the SavedModel.
      serving_directory: parent of the version directories.

    Returns:
      The version: the time in seconds, or one more than the newest where that is not larger.

    Raises:
      OSError: the directory cannot be written to; nothing is left behind.
    """
    serving_directory.mkdir(parents=True, exist_ok=True)
    staging = serving_directory / f"{_STAGING_PREFIX}{uuid.uuid4().hex}"
    try:
        shutil.copytree(servable, staging)
        _sync(staging)
        while True:
            taken = [int(entry.name) for entry in _numbered(serving_directory)]
            version = max([int(time.time()), *(newest + 1 for newest in taken[-1:])])
            try:
                staging.rename(serving_directory / str(version))
            except OSError:
                # Another pusher may have taken the number since it was drawn.
                if not (serving_directory / str(version)).exists():
                    raise
                continue
            return version
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _numbered(serving_directory: Path) -> list[Path]:
    """Whatever has a number for its name, in the order of the numbers."""
    if not serving_directory.is_dir():
        return []
    return sorted(
        (entry for entry in serving_directory.iterdir() if entry.name.isdecimal()), key=lambda entry: int(entry.name)
    )


def _sync(directory: Path) -> None:
    for parent, _, names in os.walk(directory):
        for name in [".", *names]:
            descriptor = os.open(Path(parent, name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
