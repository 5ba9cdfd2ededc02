from __future__ import annotations

import json

import pytest

from components.data_gate.verdict import Finding, Verdict
from schemas.gate import Gate
from schemas.loading import load_experiment

STOPS = Finding("anomalies", True, "the label is 97", split="train", feature="image/class/label")
WARNS = Finding("quarantine", False, "1 of 10 examples cannot be used")
# What each check's mend names: the key to change, or what to do with the data.
MENDS = {
    "quarantine": "data.quarantine.max_fraction",
    "labels": "data.labels",
    "anomalies": "schema.file",
    "too_few": "gate.min_per_class",
    "imbalance": "gate.max_imbalance",
    "duplicates": "gate.max_duplicates",
    "leakage": "remove the copies",
    "conflicts": "correct the label",
    "drift": "gate.max_drift",
    "skew": "gate.max_skew",
}


def test_one_failing_finding_stops_the_run() -> None:
    """A verdict passes without findings or with warnings alone."""
    assert Verdict(()).passed
    assert Verdict((WARNS,)).passed
    assert not Verdict((WARNS, STOPS)).passed


def test_what_stops_the_run_is_described_alone() -> None:
    """Where something stops the run, warnings are left out; each line names its check, each check has one mend."""
    *messages, mend = Verdict((WARNS, STOPS, STOPS)).describe().splitlines()
    assert messages == ["anomalies: the label is 97"] * 2
    assert mend.startswith("to mend anomalies: ")


@pytest.mark.parametrize("check", MENDS)
def test_every_check_says_how_to_mend_it(check: str) -> None:
    """The mend names what to change, and how to let one run or every run go on; labels must always be mended."""
    mend = Verdict((Finding(check, True, "x"),)).describe().splitlines()[-1]
    assert mend.startswith(f"to mend {check}: ")
    assert MENDS[check] in mend
    if check in Gate.model_fields:
        assert mend.endswith(f"; gate.{check}=warn lets every run go on, --accept-data REASON this one")
        assert load_experiment("digits", [f"gate.{check}=warn"]).gate.model_dump()[check] == "warn"
    else:
        assert "gate." not in mend


def test_there_is_no_other_check() -> None:
    """The table above has every policy of the gate."""
    policies = {name for name, value in Gate().model_dump().items() if value in ("fail", "warn", "off")}
    assert policies | {"labels"} == MENDS.keys()


def test_warnings_are_described_without_a_mend() -> None:
    """Where nothing stops the run the warnings are told with their check, and nothing more."""
    assert Verdict((WARNS,)).describe() == "quarantine: 1 of 10 examples cannot be used"
    assert Verdict(()).describe() == ""


def test_json_keeps_everything() -> None:
    """A verdict read back equals the one written, and other programs find `passed` in it."""
    for verdict in (Verdict(()), Verdict((WARNS,)), Verdict((STOPS, WARNS))):
        assert Verdict.from_json(verdict.to_json()) == verdict
        assert json.loads(verdict.to_json())["passed"] is verdict.passed
