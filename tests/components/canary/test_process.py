from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.canary.plan import Plan
from components.canary.process import ServerProcess
from components.errors import StageError

ROOT = Path(__file__).parents[3]
PLAN = Plan(
    "nowhere",
    "",
    ("serving_default", "serving_examples"),
    [b""],
    [b""],
    {},
    {},
    [],
    {},
    np.zeros((1, 1, 1, 1), np.uint8),
)


class NotANumber:
    """What cannot be unpickled."""

    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("no number",)


def test_the_process_needs_nothing_but_tensorflow() -> None:
    """As a model server, it knows nothing of what made the model."""
    program = (
        "import sys, components.canary.server;"
        "print([name for name in ('tfx', 'apache_beam', 'tensorflow_transform', 'pydantic',"
        " 'components.trainer', 'components.transform') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_a_process_that_is_killed_is_told() -> None:
    """By which signal."""
    with ServerProcess() as server:
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(StageError, match="was ended by SIGKILL; memory may have been short"):
            server.try_model(PLAN, 60)


def test_a_process_that_breaks_is_told_with_its_last_words() -> None:
    """What it printed last."""
    with ServerProcess() as server, pytest.raises(StageError, match=r"ended with status 1; its last words: .*Error"):
        server.try_model(replace(PLAN, files=[NotANumber()]), 60)  # type: ignore[list-item]


def test_the_process_never_outlives_its_user() -> None:
    """Whatever becomes of the trial."""
    with ServerProcess() as server:
        process = server.pid
        assert Path(f"/proc/{process}").exists()
    assert not Path(f"/proc/{process}").exists()
