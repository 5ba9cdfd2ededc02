"""Ctrl-C in the middle of a run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.command_line import ROOT, Outcome
from tests.pipeline.projects import Project

_TIMEOUT = 600


@contextmanager
def interrupted_at(pattern: str, log_name: str, directory: Path, process_id: int) -> Iterator[None]:
    """Presses Ctrl-C on a process soon after a line of such a log matches."""
    is_over = threading.Event()

    def wait_and_interrupt() -> None:
        while not is_over.wait(0.1):
            if any(re.search(pattern, log.read_text(errors="replace")) for log in directory.rglob(log_name)):
                is_over.wait(0.3)
                os.kill(process_id, signal.SIGINT)
                return

    thread = threading.Thread(target=wait_and_interrupt)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def interrupted_run(project: Project, pattern: str, log_name: str, *overrides: str) -> Outcome:
    """A run, as JSON, that is interrupted soon after a line of such a log matches.

    In a process of its own, for TensorFlow does not get over an interruption everywhere.
    """
    options = [argument for override in overrides for argument in ("--set", override)]
    workspace = ("--workspace", str(project.directory / "workspace"))
    command = ["run", str(project.directory / "small.yaml"), *workspace, *options, "--json"]
    process = subprocess.Popen(
        [sys.executable, "local_runner.py", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with interrupted_at(pattern, log_name, project.root / "runs", process.pid):
            output, errors = process.communicate(timeout=_TIMEOUT)
    finally:
        process.kill()
    return Outcome(process.returncode, output, errors)
