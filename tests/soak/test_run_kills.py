from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT
from tests.soak.tfrecords import read_records, write_records


@pytest.mark.long
def test_runs_that_are_killed_are_mended_by_the_next() -> None:
    """Three SIGKILLs at random moments: each plain run after them pushes, repeats nothing, and leaves nothing open."""
    command = [sys.executable, "-m", "tests.soak.run_kills", "--kills", "3"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=590, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-2].startswith("3 kills in ")
    assert result.stdout.endswith("failures: 0\n")


def test_records_are_tensorflow_s(digits_directory: Path, tmp_path: Path) -> None:
    """What the soaks read and write without TensorFlow is, byte by byte, what TensorFlow wrote."""
    written = digits_directory / "digits-00000-of-00004.tfrecord"
    records = list(read_records(written))
    assert len(records) > 100
    write_records(records, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == written.read_bytes()
