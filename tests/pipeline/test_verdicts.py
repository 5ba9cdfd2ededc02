from __future__ import annotations

from pathlib import Path

from tfx.types import standard_artifacts

from components.data_gate.artifact import VERDICT_NAME, DataVerdict
from components.data_gate.verdict import Finding, Verdict
from pipeline.execution import Outputs
from pipeline.verdicts import gate_verdict, stop_after

WARNING = Finding("anomalies", False, "split train: image/mean: low")
FAILURE = Finding("quarantine", True, "3 of 9 examples cannot be used")


def verdict_of(directory: Path, *findings: Finding) -> Outputs:
    artifact = DataVerdict()
    artifact.uri = str(directory)
    (directory / VERDICT_NAME).write_text(Verdict(findings).to_json())
    return {"verdict": [artifact]}


def test_other_outputs_stop_nothing() -> None:
    """A node that judges nothing lets the run go on."""
    outputs = {"model": [standard_artifacts.Model()]}
    assert gate_verdict(outputs) is None
    assert stop_after(outputs) is None
    assert stop_after({}) is None


def test_warnings_stop_nothing(tmp_path: Path) -> None:
    """A verdict with warnings alone is read, and lets the run go on."""
    outputs = verdict_of(tmp_path, WARNING)
    assert gate_verdict(outputs) == Verdict((WARNING,))
    assert stop_after(outputs) is None


def test_a_failed_check_stops_the_run(tmp_path: Path) -> None:
    """The gate's status, with what failed and without the warnings beside it."""
    stop = stop_after(verdict_of(tmp_path, WARNING, FAILURE))
    assert stop is not None
    assert stop.status == "stopped_by_gate"
    head, failure, mend = stop.message.splitlines()
    assert (head, failure) == ("the data gate stopped the run:", "quarantine: 3 of 9 examples cannot be used")
    assert mend.startswith("to mend quarantine: replace or remove these examples")


def test_a_blessed_model_stops_nothing() -> None:
    """A blessing lets the run go on; what a missing one says is seen in the runs of tests/test_end_to_end.py."""
    blessing = standard_artifacts.ModelBlessing()
    blessing.set_int_custom_property("blessed", 1)
    assert stop_after({"blessing": [blessing], "evaluation": [standard_artifacts.ModelEvaluation()]}) is None
