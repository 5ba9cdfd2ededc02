"""Runs the command line as a user does, and keeps what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import local_runner

ROOT = Path(__file__).resolve().parent.parent
_TIMEOUT = 600


class Outcome(NamedTuple):
    """How a command ended."""

    exit_status: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        """The object on the last line of standard output."""
        return json.loads(self.output.splitlines()[-1])

    @property
    def states(self) -> dict[str, str]:
        """The state of each node of a run with --json."""
        return {name: node["state"] for name, node in self.json["nodes"].items()}

    @property
    def shows_a_trace(self) -> bool:
        """Whether a person would see a stack trace."""
        return any(sign in self.output + self.errors for sign in ("Traceback", 'File "', "Error:"))


def in_subprocess(*arguments: str, cwd: Path = ROOT) -> Outcome:
    """Runs a command in a process of its own, without a terminal, as a user whose shell is set for another Keras."""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "TF_USE_LEGACY_KERAS": "1"}
    for name in ("TF_CPP_MIN_LOG_LEVEL", "FORCE_COLOR", "COLUMNS"):
        environment.pop(name, None)
    result = subprocess.run(
        [sys.executable, str(ROOT / "local_runner.py"), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    return Outcome(result.returncode, result.stdout, result.stderr)


def in_process(*arguments: str) -> Outcome:
    """Runs a command in this process, which saves the time of loading TensorFlow.

    All that the process writes meanwhile is kept, C++ libraries included, as a terminal would show it.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        with _redirected(output.fileno(), errors.fileno()):
            arguments_before, sys.argv = sys.argv, ["local_runner.py", *arguments]
            exit_status = 0
            try:
                local_runner.main.main(list(arguments), prog_name="local_runner.py")
            except SystemExit as end:
                exit_status = end.code if isinstance(end.code, int) else 1
            finally:
                sys.argv = arguments_before
        output.seek(0)
        errors.seek(0)
        return Outcome(exit_status, output.read().decode(), errors.read().decode())


@contextmanager
def _redirected(output: int, errors: int) -> Iterator[None]:
    """Lets the descriptors 1 and 2, and Python's streams over them, lead elsewhere."""
    saved = os.dup(1), os.dup(2)
    streams = sys.stdout, sys.stderr
    os.dup2(output, 1)
    os.dup2(errors, 2)
    try:
        with open(1, "w", closefd=False, buffering=1) as stdout, open(2, "w", closefd=False, buffering=1) as stderr:
            sys.stdout, sys.stderr = stdout, stderr
            yield
    finally:
        sys.stdout, sys.stderr = streams
        for descriptor, original in enumerate(saved, start=1):
            os.dup2(original, descriptor)
            os.close(original)
