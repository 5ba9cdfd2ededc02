"""What has to be on the disk before anybody is told of it, so that a loss of power takes nothing back."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def sync(path: Path) -> None:
    """Brings a file's content, or the names in a directory, to the disk.

    Args:
      path: a file or a directory.

    Raises:
      OSError: it is not there, or the disk fails.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems keep a directory's names without being asked, and refuse to be.
        if error.errno != errno.EINVAL or not path.is_dir():
            error.filename = str(path)
            raise
    finally:
        os.close(descriptor)


def sync_tree(directory: Path) -> None:
    """Brings all files and directories below a directory to the disk, and itself.

    Args:
      directory: what its symbolic links lead to is left alone.

    Raises:
      OSError: the disk fails.
    """
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                sync_tree(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                sync(Path(entry.path))
    sync(directory)


def make_directories(directory: Path) -> None:
    """Makes a directory and those above it, as far as they are missing, and brings their names to the disk.

    Args:
      directory: may be there already.

    Raises:
      OSError: it cannot be made.
    """
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)
