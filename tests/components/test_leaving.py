from __future__ import annotations

import subprocess
import sys

import pytest

from tests.command_line import ROOT

PROGRAM = """
import atexit, ctypes, sys
from components.leaving import leaving_promptly
with leaving_promptly():
    # As a library's destructor does that meets a running thread.
    libc = ctypes.CDLL(None)
    libc.__cxa_atexit(libc.abort, None, None)
    atexit.register(print, "Python's own handlers")
    print("done")
    {end}
"""


@pytest.mark.parametrize(
    ("end", "status", "error"),
    [
        ("pass", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('why')", 1, "why\n"),
        ("raise KeyError('x')", 1, "KeyError: 'x'\n"),
    ],
)
def test_a_library_that_aborts_at_the_end_changes_nothing(end: str, status: int, error: str) -> None:
    """The status is that of the work; all output is there, and Python's own exit handlers have run."""
    command = [sys.executable, "-c", PROGRAM.format(end=end)]
    result = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (status, "done\nPython's own handlers\n")
    assert result.stderr.endswith(error)


def test_without_it_the_process_is_aborted() -> None:
    """What the above is worth."""
    program = PROGRAM.format(end="sys.exit(3)").replace("with leaving_promptly():", "if True:")
    result = subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT, capture_output=True, timeout=60)
    assert result.returncode == -6
