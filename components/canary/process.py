"""Starts the process that tries a model, and waits for what it says, not for ever."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from components.canary.plan import Answer, Plan
from components.errors import StageError

_ROOT = Path(__file__).parents[2]
_NUM_LAST_WORDS = 5


class ServerProcess:
    """The process, started at once so that it loads TensorFlow while its plan is made."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="canary-")
        self._log = Path(self._scratch.name) / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "components.canary.server"],
                cwd=_ROOT,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._scratch.cleanup()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def try_model(self, plan: Plan, seconds: float) -> Answer:
        """Has the plan carried out.

        Raises:
          StageError: the process takes longer than `seconds`, or dies; with its last words.
        """
        place = Path(self._scratch.name) / "answer"
        try:
            self._process.communicate(pickle.dumps(replace(plan, answer=str(place))), timeout=seconds)
        except subprocess.TimeoutExpired:
            raise StageError(
                f"the model did not get through its trial in {seconds:g} s (canary.max_seconds){self._last_words()}"
            ) from None
        if not place.exists():
            raise StageError(f"the process that served the model {self._end()}{self._last_words()}")
        answer: Answer = pickle.loads(place.read_bytes())
        return answer

    def _end(self) -> str:
        status = self._process.returncode
        if status >= 0:
            return f"ended with status {status}"
        name = signal.Signals(-status).name
        return f"was ended by {name}" + ("; memory may have been short" if name == "SIGKILL" else "")

    def _last_words(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return "; its last words: " + " | ".join(lines[-_NUM_LAST_WORDS:]) if lines else ""
