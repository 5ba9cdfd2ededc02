from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.pusher.local_directory import LocalDirectory
from tests.command_line import ROOT
from tests.components.pusher.models import push_models
from tests.soak.poller import Poller, verify

pytestmark = pytest.mark.long


def test_pollers_see_only_whole_versions_while_pushers_are_killed() -> None:
    """40 pushes and 20 rollbacks, half of them killed by SIGKILL: each version that is seen verifies and loads.

    A push that ends leaves nothing behind, whatever was killed before it; no number sinks; neither loads TensorFlow;
    and a rollback of many steps never shows a version in between.
    """
    command = [sys.executable, "-m", "tests.soak.pushes", "--pushes", "40", "--rollbacks", "20"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert result.stdout, result.stderr
    figures = json.loads(result.stdout.splitlines()[-1])
    assert figures["passed"], figures
    assert result.returncode == 0
    for part, num_operations in (("pushes", 40), ("rollbacks", 20)):
        assert figures[part]["operations"] == num_operations
        # On a busy machine many an operation ends before its kill.
        assert figures[part]["killed"] > 0
        assert figures[part]["pollers"]["verify"]["looks"] > num_operations
    assert figures["pushes"]["pollers"]["load"]["versions"] > 2


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index", "assets.extra/manifest.json"])
def test_the_poller_notices_half_a_version(name: str, tmp_path: Path) -> None:
    """A version that lacks one file is a failure in its eyes, a whole one is none."""
    serving = LocalDirectory(tmp_path / "serving")
    [version] = push_models(serving, tmp_path / "servable", 1)
    poller = Poller(serving.path, verify)
    poller.look()
    assert (poller.failures, poller.seen) == ([], [version])
    (serving.path / str(version) / name).unlink()
    poller.look()
    assert len(poller.failures) == 1
    assert (poller.num_looks, poller.num_withdrawn) == (2, 0)


def test_the_poller_tells_what_was_taken_away(tmp_path: Path) -> None:
    """A version that goes away as a whole while it is read is counted apart."""
    serving = LocalDirectory(tmp_path / "serving")
    push_models(serving, tmp_path / "servable", 1, 2)

    def read_too_late(version: Path) -> None:
        serving.withdraw(int(version.name))
        verify(version)

    poller = Poller(serving.path, read_too_late)
    poller.look()
    assert (poller.failures, poller.num_withdrawn) == ([], 1)
