"""Runs a process for a limited time and measures it from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """What a process cost, all the processes that it started and waited for included."""

    seconds: float
    """By the clock on the wall."""
    cpu_seconds: float
    """On all cores, in the program and in the kernel."""
    peak_mebibytes: float
    """Resident memory of the largest single process at its largest."""


class ProcessFailedError(Exception):
    """A process took too long, or ended with another exit status than 0."""


def run_bounded(
    command: Sequence[str], directory: Path, environment: Mapping[str, str], output: Path, log: Path, timeout: float
) -> Usage:
    """Runs a command to its end.

    Args:
      command: program and arguments.
      directory: where it runs.
      environment: all of its environment variables.
      output: file for its standard output.
      log: file for its standard error.
      timeout: in seconds; the process and all that it started are killed then.

    Raises:
      ProcessFailedError: the command did not end with status 0 in time.
    """
    # The system counts what this process holds when it starts another one towards the peak of the other.
    began = time.perf_counter()
    with output.open("wb") as output_file, log.open("wb") as log_file:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output_file,
            stderr=log_file,
            start_new_session=True,
        )
    timer = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        timer.cancel()
    seconds = time.perf_counter() - began
    # Popen would otherwise wait for the process once more.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        reason = f"took longer than {timeout:g} s" if seconds >= timeout else f"ended with {process.returncode}"
        raise ProcessFailedError(f"{' '.join(command)} {reason}")
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
