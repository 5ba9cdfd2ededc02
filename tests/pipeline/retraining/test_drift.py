"""The process that measures drift: its answer counts, however the libraries in it end."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from components.errors import StageError
from pipeline.record import RunRecord
from pipeline.retraining.drift import find_drift
from schemas.gate import Gate
from tests.command_line import ROOT

ABORTING_LIBRARY = """
import ctypes, runpy
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.abort, None, None)
runpy.run_module("pipeline.retraining.drift", run_name="__main__")
"""
RECORD = replace(
    RunRecord("20260102T030405-abcd", "flowers", "0", "2026-01-02T03:04:05+00:00", "pushed"),
    basis={"artifacts": {"statistics": ["/nowhere"], "schema": ["/nowhere"], "examples": ["/nowhere"]}},
)
GATE = Gate(serving_statistics="/nowhere/served.pbtxt")


@pytest.mark.long
def test_no_library_has_a_say_in_how_the_process_ends(tmp_path: Path) -> None:
    """One that aborts the interpreter on its way out is not asked: the answer is whole, the status 0."""
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    statistics = statistics_pb2.DatasetFeatureStatisticsList(datasets=[{"num_examples": 3}])
    served, split, schema = tmp_path / "served.pbtxt", tmp_path / "statistics" / "Split-train", tmp_path / "schema"
    split.mkdir(parents=True)
    schema.mkdir()
    tfdv.write_stats_text(statistics, str(served))
    (split / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    tfdv.write_schema_text(schema_pb2.Schema(), str(schema / "schema.pbtxt"))
    given = {
        "gate": Gate(serving_statistics=str(served)).model_dump(mode="json"),
        "statistics": str(split.parent),
        "schema": str(schema),
        "examples": str(tmp_path),
    }
    result = subprocess.run(
        [sys.executable, "-c", ABORTING_LIBRARY],
        cwd=ROOT,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "holds no statistics of any feature" in json.loads(result.stdout)["error"]


def standing_in(monkeypatch: pytest.MonkeyPatch, directory: Path, script: str) -> None:
    """Lets a shell script be started in the place of Python."""
    program = directory / "python"
    program.write_text(f"#!/bin/sh\ncat > /dev/null\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_a_whole_answer_counts_though_its_process_was_aborted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGABRT after the last line takes nothing away from it."""
    standing_in(monkeypatch, tmp_path, """echo '{"findings": ["far apart"]}'; kill -ABRT $$""")
    assert find_drift(GATE, RECORD) == ["far apart"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("""printf '{"findings": ["far'; kill -ABRT $$""", "its process ended with SIGABRT"),
        ("echo MemoryError >&2; exit 1", "MemoryError"),
        ("""echo '{"error": "no statistics"}'""", "no statistics"),
    ],
    ids=["cut short", "failed", "refused"],
)
def test_no_answer_is_an_error_that_says_why(
    script: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that is cut short, none, or one that says what is wrong."""
    standing_in(monkeypatch, tmp_path, script)
    with pytest.raises(StageError, match=f"{told}$"):
        find_drift(GATE, RECORD)
