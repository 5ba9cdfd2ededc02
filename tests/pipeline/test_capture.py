from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# pytest replaces the standard streams, so each of these is a process of its own.
SPEAK_IN_ALL_WAYS = """
import ctypes, logging, os, subprocess, sys
from pathlib import Path
from pipeline.capture import captured
print("before")
with captured(Path(sys.argv[1])):
    print("print")
    print("error", file=sys.stderr)
    os.write(1, b"descriptor 1\\n")
    os.write(2, b"descriptor 2\\n")
    ctypes.CDLL(None).puts(b"C library")
    ctypes.CDLL(None).fflush(None)
    subprocess.run(["sh", "-c", "echo child"])
    logging.getLogger("some.library").info("informed")
    logging.getLogger("some.library").debug("too much")
    logging.getLogger("apache_beam.typehints.schemas").info("chatter")
    logging.getLogger("apache_beam.typehints.schemas").warning("warned")
print("after")
"""
RAISE = """
import logging, os, sys
from pathlib import Path
from pipeline.capture import captured
num_before = len(os.listdir("/proc/self/fd"))
logging.basicConfig(level=logging.ERROR, format="ours: %(message)s")
for number in range(3):
    try:
        with captured(Path(sys.argv[1])):
            sys.stdout.write("unfinished line")
            raise ValueError
    except ValueError:
        print("caught", number)
logging.error("shown")
logging.info("hidden")
os.write(2, b"descriptor 2\\n")
assert len(os.listdir("/proc/self/fd")) == num_before
"""
KEEP_THE_ORIGINALS = """
import sys
from pathlib import Path
from pipeline.capture import captured, original_streams
sys.stdout.write("first ")
with original_streams() as (output, error):
    print("then", file=output)
    with captured(Path(sys.argv[1])):
        print("captured")
        print("to the user", file=output)
        print("to the user's errors", file=error)
print("last")
"""


def run(code: str, log: Path) -> tuple[list[str], list[str]]:
    """The lines that a process prints on standard output and on standard error."""
    # Buffered, as a user's own is: what waits in a buffer must go where it was meant to.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", code, str(log)]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines(), result.stderr.splitlines()


def test_all_that_a_process_says_goes_to_the_file(tmp_path: Path) -> None:
    """Python's streams, the descriptors themselves, C libraries, children and logging are kept, in new directories."""
    log = tmp_path / "new" / "node.log"
    assert run(SPEAK_IN_ALL_WAYS, log) == (["before", "after"], [])
    said = log.read_text()
    for line in ("print", "error", "descriptor 1", "descriptor 2", "C library", "child"):
        assert line in said.splitlines()
    assert " INFO some.library: informed\n" in said


def test_what_is_never_worth_reading_is_left_out(tmp_path: Path) -> None:
    """Debugging messages, and Beam's remarks about type hints unless they warn."""
    log = tmp_path / "node.log"
    run(SPEAK_IN_ALL_WAYS, log)
    said = log.read_text()
    assert "too much" not in said
    assert "chatter" not in said
    assert " WARNING apache_beam.typehints.schemas: warned\n" in said


def test_everything_is_restored_after_an_error(tmp_path: Path) -> None:
    """After an exception the streams, the logging's level and its handlers are as before, and no descriptor is lost."""
    log = tmp_path / "node.log"
    assert run(RAISE, log) == (["caught 0", "caught 1", "caught 2"], ["ours: shown", "descriptor 2"])
    assert log.read_text() == "unfinished line" * 3


def test_the_user_can_be_reached_all_the_while(tmp_path: Path) -> None:
    """The original streams lead to the user while all else is captured, in the right order."""
    log = tmp_path / "node.log"
    assert run(KEEP_THE_ORIGINALS, log) == (["first then", "to the user", "last"], ["to the user's errors"])
    assert log.read_text() == "captured\n"
