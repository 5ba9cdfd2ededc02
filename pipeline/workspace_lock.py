"""One run at a time in an experiment's part of a workspace. Loads no TensorFlow.

The kernel holds the lock for a process and lets go of it when that process ends, however it ends. Who holds it stands
in a file beside it, for people: of two that start at once, the second says what it found there.

A rollback does not take it: it must never wait for a run. The serving directory has a lock of its own, which a push and
a rollback both hold while they change it.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from components.identity import who
from pipeline.paths import Paths, WorkspaceError
from pipeline.record import new_run_id
from schemas.problems import shown_path

_LOCK_NAME = ".lock"
_HOLDER_NAME = ".lock.json"
_PAUSE = 0.2
# A holder needs no longer than this from the lock to its file.
_LONGEST_SILENCE = 1.0
_ADVICE = {
    errno.ENOLCK: "its file system cannot lock files (over NFS: the server's lock service is not running);"
    " give a workspace on another one with --workspace DIR",
    errno.EROFS: "its file system is read-only: give another workspace with --workspace DIR",
    errno.ENOSPC: "free some space on its disk, then try again",
}
_ADVICE[errno.ENOSYS] = _ADVICE[errno.EOPNOTSUPP] = _ADVICE[errno.ENOLCK]
_OTHER_ADVICE = "change its permissions, or give another workspace with --workspace DIR"


class WorkspaceInUseError(WorkspaceError):
    """Another process holds the lock."""


@dataclass(frozen=True)
class Holder:
    """Who holds the lock."""

    process: int
    host: str
    user: str
    """As `ann@workstation`."""
    command: str
    """A few words, such as `run digits`."""
    since: str
    """ISO 8601, in UTC."""
    run_id: str | None = None
    """Where it is a run."""

    def describe(self) -> str:
        """One line for a person."""
        of_run = f" (run {self.run_id})" if self.run_id else ""
        since = datetime.fromisoformat(self.since)
        return f"{self.command}{of_run}, process {self.process} of {self.user}, since {since:%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def workspace_lock(paths: Paths, command: str, wait: float = 0.0, *, starts_run: bool = False) -> Iterator[Holder]:
    """Keeps all others from running in this part of the workspace.

    Args:
      paths: of the experiment; the directory need not be there.
      command: a few words for those who find it held, such as `run digits`.
      wait: seconds to wait for another to let go of it.
      starts_run: a run begins, and gets its id here, for the others to know it from the start.

    Raises:
      WorkspaceInUseError: another holds it, or held it all the time; the message says who, and since when.
      WorkspaceError: the file system cannot lock, or cannot be written to.
    """
    # A soft lock would stay when its holder is killed.
    lock = FileLock(paths.root / _LOCK_NAME, fallback_to_soft=False)
    file = paths.root / _HOLDER_NAME
    try:
        lock.acquire(timeout=wait, poll_interval=_PAUSE)
    except Timeout:
        raise WorkspaceInUseError(_in_use(paths, wait)) from None
    except OSError as error:
        raise _unusable(paths, error) from error
    try:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        try:
            run_id = new_run_id(paths.runs) if starts_run else None
            holder = Holder(os.getpid(), platform.node(), who(), command, now, run_id)
            _write(file, holder)
        except OSError as error:
            # What frees the space must be able to; others are told less of who is at work.
            if starts_run or error.errno != errno.ENOSPC:
                raise _unusable(paths, error) from error
        yield holder
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)
        lock.release()


def _write(file: Path, holder: Holder) -> None:
    growing = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        growing.write_text(json.dumps(asdict(holder)))
        os.replace(growing, file)
    except OSError:
        growing.unlink(missing_ok=True)
        raise


def holder_of(paths: Paths) -> Holder | None:
    """Who holds the lock by the file beside it; None where that is not known, or its process is dead."""
    try:
        holder = Holder(**json.loads((paths.root / _HOLDER_NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    is_dead = holder.host == platform.node() and not _is_alive(holder.process)
    return None if is_dead else holder


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _in_use(paths: Paths, wait: float) -> str:
    deadline = time.monotonic() + _LONGEST_SILENCE
    while (holder := holder_of(paths)) is None and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    known = holder.describe() if holder else "another process, which has not said what it is"
    waited = f" for over {wait:g} s" if wait else ""
    here = holder is not None and holder.host == platform.node()
    mend = f", or end it: {shlex.join(['kill', str(holder.process)])}" if here and holder else ""
    return f"{shown_path(paths.root)} is in use{waited} by {known}; wait for it, as with --wait SECONDS{mend}"


def _unusable(paths: Paths, error: OSError) -> WorkspaceError:
    advice = _ADVICE.get(error.errno or 0, _OTHER_ADVICE)
    return WorkspaceError(f"{shown_path(paths.root)} cannot be locked: {error.strerror or error}; {advice}")
