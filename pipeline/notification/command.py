"""A notification as a program of the user's."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

from pipeline.notification.webhook import UndeliveredError

_LONGEST_SAID = 200


def run_command(command: Sequence[str], payload: dict[str, Any], seconds: float) -> None:
    """Runs the program once, with the payload on its standard input.

    Args:
      command: the program and its arguments.
      payload: as JSON.
      seconds: after which it is killed, with all that it has started.

    Raises:
      UndeliveredError: it cannot be run, takes too long, or ends with another status than 0.
    """
    facts = {"EVENT": payload["event"], "STATUS": payload["status"], "MESSAGE": payload["message"]}
    environment = {**os.environ, **{f"DARKROOM_{name}": str(value or "") for name, value in facts.items()}}
    try:
        process = subprocess.Popen(
            list(command),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise UndeliveredError(f"{command[0]} cannot be run: {error.strerror or error}") from None
    try:
        _, errors = process.communicate(json.dumps(payload).encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        raise UndeliveredError(f"{command[0]} had not ended after {seconds:g} s, and was killed") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        said = errors.decode(errors="replace").strip()[-_LONGEST_SAID:]
        raise UndeliveredError(f"{command[0]} ended with status {process.returncode}" + (f": {said}" if said else ""))
