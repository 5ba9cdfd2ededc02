from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.bounded_process import ProcessFailedError, Usage, run_bounded

ROOT = Path(__file__).parents[2]

# A grandchild, as the opponents have them too: it works for half a second and holds 200 MiB.
WORK = """
import time
held = bytearray(b"x") * (200 << 20)
end = time.process_time() + 0.5
while time.process_time() < end: pass
print("done")
"""
START_ANOTHER = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"

MEASURE = """
import json, os, pathlib, sys
from tests.bench.bounded_process import run_bounded
directory, *arguments = sys.argv[1:]
place = pathlib.Path(directory)
command = [sys.executable, "-c", *arguments]
usage = run_bounded(command, place, os.environ, place / "output", place / "log", 60)
print(json.dumps(usage._asdict()))
"""


def run(directory: Path, *arguments: str, timeout: float = 30.0) -> Usage:
    """Runs Python with its output beside its log."""
    command = [sys.executable, *arguments]
    return run_bounded(command, directory, os.environ, directory / "output", directory / "log", timeout)


def test_descendants_are_counted(tmp_path: Path) -> None:
    """Time and memory include those of the processes that a process starts, and its output is kept."""
    # From a process as small as a benchmark: Linux counts what a process had before it became another program.
    command = [sys.executable, "-c", MEASURE, str(tmp_path), START_ANOTHER, WORK]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    usage = Usage(**json.loads(result.stdout))
    assert usage.seconds >= 0.5
    assert usage.cpu_seconds >= 0.5
    assert 200 < usage.peak_mebibytes < 2000
    assert (tmp_path / "output").read_text() == "done\n"


def test_a_process_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """After the timeout neither the process nor its child runs any longer."""
    endless = "import os, time; open('child', 'w').write(str(os.getpid())); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(ProcessFailedError, match="longer than 2 s"):
        run(tmp_path, "-c", START_ANOTHER, endless, timeout=2.0)
    assert time.monotonic() - began < 20
    child = Path("/proc") / (tmp_path / "child").read_text() / "status"
    while child.exists() and "State:\tZ" not in child.read_text():
        assert time.monotonic() - began < 20
        time.sleep(0.05)


def test_a_failure_is_told_with_its_exit_status(tmp_path: Path) -> None:
    """What the process said is in its log."""
    with pytest.raises(ProcessFailedError, match="ended with 3"):
        run(tmp_path, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)")
    assert (tmp_path / "log").read_text() == "why\n"
