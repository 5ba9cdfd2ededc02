"""A run in a process of its own: what it crashes with, or how much memory it takes, ends with it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.interruption import AFTER_NODE
from pipeline.paths import Paths
from pipeline.workspace_lock import holder_of

_RUNNER = Path(__file__).resolve().parent.parent.parent / "local_runner.py"
_GRACE_SECONDS = 120.0
_PAUSE = 0.1


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    exit_status: int
    """Of the process; negative where a signal ended it."""
    result: dict[str, Any]
    """What `--json` printed; empty where the process did not come to that."""
    is_late: bool = False
    """Whether it was ended at its deadline."""
    run_id: str | None = None
    """As the workspace's lock had it while the process held that; None where it was not seen to."""

    @property
    def status(self) -> str:
        """As `pipeline.record` has it."""
        return str(self.result.get("status") or "failed")

    @property
    def is_started(self) -> bool:
        """Whether there was a run: not where the workspace is in use, or the experiment wrong."""
        return self.is_crash or self.result.get("run_id") is not None

    @property
    def is_crash(self) -> bool:
        """Whether the process died before it could say how the run ended."""
        return not self.result

    def describe(self) -> str:
        """One line for a person."""
        message = self.result.get("message") or "; ".join(self.result.get("errors") or [])
        if self.is_crash:
            message = f"its process ended with {named(self.exit_status)}"
        late = " (at its deadline)" if self.is_late else ""
        version = self.result.get("pushed_version")
        run = f"run {self.result['run_id']} " if self.result.get("run_id") else ""
        first = message.splitlines()[0] if message else ""
        return f"{run}{self.status}{late}" + (f": version {version}" if version else f": {first}" if first else "")


class Child:
    """One run under way."""

    def __init__(self, arguments: Sequence[str], paths: Paths, deadline_seconds: float | None) -> None:
        """Starts it.

        Args:
          arguments: of `local_runner.py run`.
          paths: where its results go.
          deadline_seconds: after which it is ended in order; None waits for ever.
        """
        self._paths = paths
        self._run_id: str | None = None
        self._deadline = None if deadline_seconds is None else time.monotonic() + deadline_seconds
        # Ctrl-C at a terminal reaches every process of a group, and is for the scheduler to act on.
        self._process = subprocess.Popen(
            [sys.executable, str(_RUNNER), "run", *arguments, "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def end_after_node(self) -> None:
        """Asks it to end once the node at work has."""
        self._process.send_signal(AFTER_NODE)

    def end(self) -> None:
        """Ends it in order, at once."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> Outcome:
        """Waits for its end, and sees to it at the deadline."""
        output, is_late = None, False
        for ending in (None, signal.SIGTERM, signal.SIGKILL):
            if ending is not None:
                is_late = True
                self._send(ending)
            left = None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)
            try:
                output = self._output(_GRACE_SECONDS if is_late else left)
                break
            except subprocess.TimeoutExpired:
                continue
        return Outcome(self._process.returncode, last_object(output or ""), is_late, self._run_id)

    def _output(self, seconds: float | None) -> str:
        """All that it prints; looks meanwhile which run it is, as nobody can tell any more when it is dead."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            is_last = self._run_id is not None or (left is not None and left <= _PAUSE)
            try:
                return self._process.communicate(timeout=left if is_last else _PAUSE)[0]
            except subprocess.TimeoutExpired:
                self._run_id = self._run_id or self._held_run()
                if is_last:
                    raise

    def _held_run(self) -> str | None:
        holder = holder_of(self._paths)
        is_own = holder is not None and (holder.process, holder.host) == (self._process.pid, platform.node())
        return holder.run_id if holder is not None and is_own else None

    def _send(self, ending: signal.Signals) -> None:
        if ending == signal.SIGKILL:
            # With the processes that train for it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, ending)
        else:
            self._process.send_signal(ending)


def last_object(output: str) -> dict[str, Any]:
    """What `--json` printed; empty where it did not come to that."""
    try:
        found = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


def named(exit_status: int) -> str:
    """How a process ended, for a person: `exit status 1`, or the name of the signal that ended it."""
    if exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"
