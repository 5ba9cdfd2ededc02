"""What to tell a person about a node that failed."""

from __future__ import annotations

import errno
import os
import traceback

from components.errors import DataError, StageError
from pipeline.nodes import TRAINER, TUNER

_WITH_CHECKPOINTS = (TUNER, TRAINER)
_LAST_LINES = 3
_LONGEST_LINE = 300
_ADVICE = {
    errno.ENOSPC: "free some space on its disk, then run again",
    errno.EROFS: "its file system is read-only: give another workspace with --workspace DIR",
    errno.EACCES: "change its permissions, or give another workspace with --workspace DIR",
    errno.EPERM: "change its permissions, or give another workspace with --workspace DIR",
}
_FULL = ("no space left on device", "database or disk is full")


def is_about_data(error: BaseException) -> bool:
    """Whether the data is to blame, as the gate would have found."""
    return isinstance(error, DataError)


def describe(node: str, error: BaseException) -> str:
    """A few lines: for a user's mistake its message alone, else the last lines of the error."""
    if isinstance(error, StageError):
        return f"{node}: {error}"
    if isinstance(error, KeyboardInterrupt):
        follows = "goes on where it was" if node in _WITH_CHECKPOINTS else "starts anew"
        return f"{node}: interrupted; run again: finished stages are kept, this one {follows}"
    if isinstance(error, MemoryError):
        return f"{node}: out of memory; lower training.batch_size or training.shuffle_buffer"
    if isinstance(error, OSError) and error.errno is not None:
        advice = _ADVICE.get(error.errno)
        place = f" ({error.filename})" if error.filename else ""
        return f"{node}: {error.strerror}{place}" + (f"; {advice}" if advice else "")
    if is_full(error):
        return f"{node}: {os.strerror(errno.ENOSPC)}; {_ADVICE[errno.ENOSPC]}"
    lines = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
    return f"{node} failed: " + "\n".join(_shortened(line) for line in lines[-_LAST_LINES:])


def is_full(error: BaseException) -> bool:
    """Whether a disk is full, as the system, TensorFlow, Beam or SQLite say it."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOSPC
    text = str(error).lower()
    return any(sign in text for sign in _FULL)


def _shortened(line: str) -> str:
    # Libraries put the place first and the reason last.
    half = _LONGEST_LINE // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[:half]} ... {line[-half:]}"
