from __future__ import annotations

import json

from components.data_gate.verdict import Finding, Verdict

STOPS = Finding("anomalies", True, "the label is 97", split="train", feature="image/class/label")
WARNS = Finding("quarantine", False, "1 of 10 examples cannot be used")


def test_one_failing_finding_stops_the_run() -> None:
    """A verdict passes without findings or with warnings alone."""
    assert Verdict(()).passed
    assert Verdict((WARNS,)).passed
    assert not Verdict((WARNS, STOPS)).passed


def test_what_stops_the_run_is_described_alone() -> None:
    """Where something stops the run, warnings are left out, and how to mend it is told once for each check."""
    *messages, mend = Verdict((WARNS, STOPS, STOPS)).describe().splitlines()
    assert messages == ["the label is 97", "the label is 97"]
    assert mend.startswith("to mend: ")
    assert "schema.file" in mend
    failing = [Finding(check, True, check) for check in ("quarantine", "labels", "anomalies")]
    mends = [line for line in Verdict(tuple(failing)).describe().splitlines() if line.startswith("to mend: ")]
    for line, key in zip(mends, ("data.quarantine.max_fraction", "data.labels", "gate.anomalies"), strict=True):
        assert key in line


def test_warnings_are_described_without_a_mend() -> None:
    """Where nothing stops the run the warnings are told, and nothing more."""
    assert Verdict((WARNS,)).describe() == "1 of 10 examples cannot be used"
    assert Verdict(()).describe() == ""


def test_json_keeps_everything() -> None:
    """A verdict read back equals the one written, and other programs find `passed` in it."""
    for verdict in (Verdict(()), Verdict((WARNS,)), Verdict((STOPS, WARNS))):
        assert Verdict.from_json(verdict.to_json()) == verdict
        assert json.loads(verdict.to_json())["passed"] is verdict.passed
