"""Tests of what a user may not read, which root may."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_NOBODY = 65534


@contextlib.contextmanager
def closed(path: Path, below: Path) -> Iterator[None]:
    """Takes the right to read a path from this process for a while, even if root runs it.

    Args:
      path: a file or a directory.
      below: a directory above it, all of which is then a common user's.
    """
    mode = path.stat().st_mode
    opened = {parent: parent.stat().st_mode for parent in below.parents if parent.stat().st_mode & 0o11 != 0o11}
    if os.geteuid() == 0:
        for parent, before in opened.items():
            parent.chmod(before | 0o11)
        for directory, _, names in os.walk(below):
            for place in (directory, *(os.path.join(directory, name) for name in names)):
                os.chown(place, _NOBODY, _NOBODY, follow_symlinks=False)
    path.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.setresuid(_NOBODY, _NOBODY, 0)
        yield
    finally:
        if user == 0:
            os.setresuid(0, 0, 0)
            for parent, before in opened.items():
                parent.chmod(before)
        path.chmod(mode)
