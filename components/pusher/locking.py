"""Locks on files: held by a process, and free again when it ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from components.errors import StageError
from components.identity import who

_PAUSE = 0.02


@contextlib.contextmanager
def exclusive(file: Path, seconds: float) -> Iterator[None]:
    """Holds a lock.

    Args:
      file: made where it is missing, and left there.
      seconds: to wait while another holds it.

    Raises:
      StageError: another held it all the time.
      OSError: the file cannot be made.
    """
    end = time.monotonic() + seconds
    while (descriptor := try_to_lock(file)) is None:
        if time.monotonic() > end:
            holder = file.read_text(errors="replace").strip() or "another process"
            raise StageError(f"{file.parent} is held by {holder} for over {seconds:g} s; try again once it has ended")
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        os.close(descriptor)


def try_to_lock(file: Path) -> int | None:
    """Locks a file and writes into it who did; gives its descriptor, or None where another holds the lock."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it before may have removed the file since it was opened.
        if os.fstat(descriptor).st_ino != os.stat(file).st_ino:
            raise FileNotFoundError(file)
        os.truncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} of {who()}\n".encode())
    except (BlockingIOError, FileNotFoundError):
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
