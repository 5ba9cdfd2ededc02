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
    """Where something stops the run, warnings are left out; else they are what is told."""
    assert Verdict((WARNS, STOPS, STOPS)).describe() == "the label is 97\nthe label is 97"
    assert Verdict((WARNS,)).describe() == "1 of 10 examples cannot be used"
    assert Verdict(()).describe() == ""


def test_json_keeps_everything() -> None:
    """A verdict read back equals the one written, and other programs find `passed` in it."""
    for verdict in (Verdict(()), Verdict((WARNS,)), Verdict((STOPS, WARNS))):
        assert Verdict.from_json(verdict.to_json()) == verdict
        assert json.loads(verdict.to_json())["passed"] is verdict.passed
