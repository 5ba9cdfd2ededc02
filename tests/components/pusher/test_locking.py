from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.errors import StageError
from components.pusher.locking import exclusive, try_to_lock

HOLD = """
import sys, time
from pathlib import Path
from components.pusher.locking import exclusive

with exclusive(Path(sys.argv[1]), 10):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_free_once_its_holder_is_killed(tmp_path: Path) -> None:
    """While another process holds it, waiting ends in its name; after SIGKILL the next one has it at once."""
    file = tmp_path / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StageError, match=rf"is held by process {holder.pid} of .+ for over 0\.1 s"):
                exclusive(file, 0.1).__enter__()
        finally:
            holder.send_signal(signal.SIGKILL)
    began = time.monotonic()
    with exclusive(file, 10):
        assert time.monotonic() - began < 5
        assert file.read_text().startswith(f"process {os.getpid()} of ")


def test_it_holds_among_the_threads_of_a_process(tmp_path: Path) -> None:
    """The same process does not get it twice."""
    with exclusive(tmp_path / "lock", 1):
        assert try_to_lock(tmp_path / "lock") is None
    descriptor = try_to_lock(tmp_path / "lock")
    assert descriptor is not None
    os.close(descriptor)


def test_a_lock_that_was_removed_excludes_nobody(tmp_path: Path) -> None:
    """A file that took the place of a held one is another lock, and is not mistaken for it."""
    file = tmp_path / "lock"
    with exclusive(file, 1):
        file.unlink()
        with exclusive(file, 1):
            assert try_to_lock(file) is None


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Nobody waits for a lock that cannot be made."""
    with pytest.raises(OSError, match="missing"):
        exclusive(tmp_path / "missing" / "lock", 5).__enter__()
