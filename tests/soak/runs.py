"""Runs of the command line, forked from a process that has loaded the libraries, so that many are cheap.

The parent imports and computes nothing: TensorFlow starts its threads when it is first used, and no fork would get over
them. Each run is a process group of its own, so that a SIGKILL meets its workers too, as with a machine's end.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import runtime
from pipeline.retraining.child import last_object

ROOT = Path(__file__).parents[2]
_LIBRARIES = (
    "pipeline.execution",
    "pipeline.opening",
    "pipeline.pipeline",
    "pipeline.run",
    "pipeline.unfinished",
    "pipeline.verdicts",
    "components.canary.executor",
    "components.data_gate.executor",
    "components.evaluator.executor",
    "components.image_example_gen.executor",
    "components.pusher.executor",
    "components.schema_gen.executor",
    "components.statistics_gen.executor",
    "components.trainer.run",
    "tfx.components.trainer.executor",
    "tfx.components.transform.executor",
)
_PAUSE = 0.02
_LONGEST_RUN = 600.0


class Ended(NamedTuple):
    """How a command ended."""

    exit_status: int | None
    """None where it was killed."""
    seconds: float
    output: str
    json: dict[str, Any]
    """The last line of its standard output; empty where there is none."""


def load_libraries() -> None:
    """Imports what a run imports, in this process."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    runtime.configure()
    for name in _LIBRARIES:
        importlib.import_module(name)


def command(arguments: list[str], log: Path, kill_after: float | None = None) -> Ended:
    """`local_runner.py` with these arguments, in a process of its own.

    Args:
      arguments: of the command line.
      log: takes what it prints.
      kill_after: seconds after which the process and all that it started get SIGKILL.
    """

    def work() -> int:
        import local_runner

        sys.argv = ["local_runner.py", *arguments]
        try:
            local_runner.main.main(arguments, prog_name="local_runner.py")
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        return 0

    return forked(work, log, kill_after)


def forked(work: Callable[[], int], log: Path, kill_after: float | None = None) -> Ended:
    """Does some work in a process group of its own; its result is the exit status."""
    output = log.with_suffix(".out")
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        _in_child(work, log, output)
    status = None
    while status is None:
        ended, found = os.waitpid(process, os.WNOHANG)
        passed = time.monotonic() - began
        if ended:
            status = found
        elif passed > (_LONGEST_RUN if kill_after is None else kill_after):
            # It may not have come to a group of its own yet; then it has no children either.
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
            os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
        else:
            time.sleep(_PAUSE)
    text = output.read_text()
    was_killed = os.WIFSIGNALED(status)
    if was_killed and kill_after is None:
        raise TimeoutError(f"a command had not ended after {_LONGEST_RUN:g} s, or was killed; log: {log}")
    seconds = time.monotonic() - began
    return Ended(None if was_killed else os.WEXITSTATUS(status), seconds, text, last_object(text))


def survivors(group_of: Path) -> list[int]:
    """Processes that still have a directory for their working files, or an argument, below a place."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            told = (directory / "cmdline").read_bytes() + (directory / "environ").read_bytes()
            is_zombie = (directory / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if str(group_of).encode() in told and int(directory.name) != os.getpid() and not is_zombie:
            found.append(int(directory.name))
    return found


def _in_child(work: Callable[[], int], log: Path, output: Path) -> None:
    status = 1
    try:
        os.setsid()
        descriptors = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for path in (output, log)]
        for number, descriptor in enumerate(descriptors, start=1):
            os.dup2(descriptor, number)
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
