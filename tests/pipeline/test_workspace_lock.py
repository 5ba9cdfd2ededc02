from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.paths import Paths, WorkspaceError
from pipeline.workspace_lock import WorkspaceInUseError, holder_of, workspace_lock
from tests.command_line import ROOT

HOLD = """
import sys, time
from pathlib import Path
from pipeline.paths import Paths
from pipeline.workspace_lock import workspace_lock
with workspace_lock(Paths(Path(sys.argv[1]), "small"), "run small", starts_run=True):
    print("TensorFlow" if "tensorflow" in sys.modules else "held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def held(workspace: Path, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock, for so long at most."""
    command = [sys.executable, "-c", HOLD, str(workspace), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    """The message names command, run, process, user and time, and how to wait or to end it; it comes at once."""
    paths = Paths(tmp_path, "small")
    with held(tmp_path) as process:
        began = time.monotonic()
        with pytest.raises(WorkspaceInUseError) as caught, workspace_lock(paths, "gc small"):
            pytest.fail("two hold the lock")
        assert time.monotonic() - began < 1
        holder = holder_of(paths)
    assert holder is not None
    assert holder.process == process.pid
    text = str(caught.value)
    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{4}", holder.run_id or "")
    expected = (
        f"{paths.root} is in use by run small (run {holder.run_id}), process {process.pid} of {holder.user}, since"
    )
    assert text.startswith(expected)
    assert text.endswith(f"wait for it, as with --wait SECONDS, or end it: kill {process.pid}")


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    """After SIGKILL the lock is free at once, and the dead one's name is nobody's any more."""
    paths = Paths(tmp_path, "small")
    with held(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert holder_of(paths) is None
        with workspace_lock(paths, "gc small") as holder:
            assert holder_of(paths) == holder
            assert (holder.process, holder.run_id) == (os.getpid(), None)
    assert holder_of(paths) is None


def test_waiting_takes_it_as_soon_as_it_is_free(tmp_path: Path) -> None:
    """With time enough the lock is had when the other ends; with too little the message says how long it took."""
    paths = Paths(tmp_path, "small")
    with held(tmp_path, seconds=2):
        with pytest.raises(WorkspaceInUseError) as caught, workspace_lock(paths, "run small", wait=0.5):
            pytest.fail("two hold the lock")
        assert "is in use for over 0.5 s by run small" in str(caught.value)
        with workspace_lock(paths, "run small", wait=30):
            assert json.loads((paths.root / ".lock.json").read_text())["process"] == os.getpid()


def test_a_full_disk_keeps_nobody_from_freeing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal has the lock all the same; a run could not work."""

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    paths = Paths(tmp_path, "small")
    monkeypatch.setattr(Path, "write_text", full)
    with workspace_lock(paths, "gc small"):
        assert holder_of(paths) is None
    with pytest.raises(WorkspaceError, match="free some space"), workspace_lock(paths, "run small", starts_run=True):
        pytest.fail("a run began")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOLCK, "its file system cannot lock files (over NFS: the server's lock service is not running)"),
        (errno.ENOSYS, "give a workspace on another one with --workspace DIR"),
    ],
)
def test_a_file_system_without_locks_is_told_so(
    number: int, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kernel cannot lock, nothing runs unlocked: the error says why, and what to do."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(WorkspaceError) as caught, workspace_lock(Paths(tmp_path, "small"), "run small"):
        pytest.fail("it ran without a lock")
    assert str(caught.value).startswith(f"{tmp_path / 'small'} cannot be locked: {os.strerror(number)}; ")
    assert advice in str(caught.value)
