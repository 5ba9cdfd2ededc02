from __future__ import annotations

from typing import Any

import pytest

from components.data_gate.verdict import Finding, Verdict
from pipeline.record import NodeRecord
from pipeline.report.content import Section, Text
from pipeline.report.sections.verdict import headline, verdict
from tests.pipeline.report.materials import a_material, a_record, texts_of

DECISION = {"who": "ada@lab", "when": "2026-01-02T03:04:05+00:00", "why": "the demo is today", "verdict": "misses: all"}


def until(node: str, state: str) -> dict[str, NodeRecord]:
    ends = {node: NodeRecord(state, 1.0), "Pusher": NodeRecord("skipped", 0.0)}
    return {**ends, "RunReport": NodeRecord("executed", 1.0)}


ENDS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "Pushed as version 17", "good"),
    ({"status": "unchanged"}, "Nothing new to push", "good"),
    (
        {"status": "stopped_by_gate", "nodes": until("DataGate", "cached")},
        "Stopped at DataGate: the data cannot be used as it is",
        "problem",
    ),
    (
        {"status": "not_blessed", "nodes": until("Evaluator", "executed")},
        "Not pushed: Evaluator refused the model",
        "problem",
    ),
    ({"status": "refused", "nodes": until("Canary", "executed")}, "Not pushed: Canary refused the model", "problem"),
    (
        {"status": "failed", "nodes": until("Trainer", "failed"), "message": "Trainer: no"},
        "Failed at Trainer",
        "problem",
    ),
    (
        {"status": "failed", "nodes": until("Trainer", "failed"), "message": "Trainer: interrupted; run again"},
        "Interrupted at Trainer",
        "problem",
    ),
    ({"status": "failed", "nodes": {}, "message": "loading: no"}, "Failed at loading", "problem"),
]


@pytest.mark.parametrize(("values", "told", "tone"), ENDS, ids=[told for _, told, _ in ENDS])
def test_every_end_has_a_headline(values: dict[str, Any], told: str, tone: str) -> None:
    """Where the run stopped and why, in a few words."""
    assert headline(a_record(**values)) == (told, tone)


def titles(section: Section) -> list[str | None]:
    return [block.title for block in section.blocks if isinstance(block, Text)]


def test_how_to_mend_data_comes_under_what_to_do_next() -> None:
    """The gate's findings are told first; what mends them is what to do next, and stands there alone."""
    told = Verdict((Finding("drift", True, "it is darker"),)).describe()
    section = verdict(a_material(a_record(status="stopped_by_gate", message=f"the data gate stopped the run:\n{told}")))
    assert titles(section) == [None, "What to do next"]
    finding, steps = texts_of(section)
    assert finding == "the data gate stopped the run:\ndrift: it is darker"
    assert steps.startswith("to mend drift: ")


def test_decisions_and_warnings_stand_out() -> None:
    """A forced blessing and accepted data are told with who, when and why; what is accepted is not warned of again."""
    accepted = {**DECISION, "why": "a new camera", "verdict": "drift: it is darker"}
    warnings = ["drift: it is darker\naccepted by ada@lab: a new camera", "quarantine: 1 of 9"]
    section = verdict(a_material(a_record(forced=DECISION, accepted=accepted, warnings=warnings)))
    when = "ada@lab, 2026-01-02T03:04:05+00:00"
    assert titles(section) == [
        f"Blessed against the Evaluator by {when}: the demo is today",
        f"Data accepted against the gate by {when}: a new camera",
        "Warning",
    ]
    assert texts_of(section) == ["misses: all", "drift: it is darker", "quarantine: 1 of 9"]
    assert {block.tone for block in section.blocks if isinstance(block, Text)} == {"warning"}


def test_what_to_do_next() -> None:
    """After a failure its log, after a push the command to try it, and in any case what mends the training."""
    sign = {"kind": "problem", "message": "val_loss rises", "advice": "raise model.dropout"}
    pushed = verdict(a_material(a_record(sample="runs/rose.png", diagnostics=[sign])))
    [steps] = texts_of(pushed)
    assert steps.splitlines()[:2] == [
        "raise model.dropout (val_loss rises)",
        "Try the model: .venv/bin/python local_runner.py predict flowers runs/rose.png",
    ]
    by_file = a_record(sample="runs/rose.png", arguments=["/mine/my flowers.yaml", "--workspace", "/w"])
    assert texts_of(verdict(a_material(by_file)))[-1].splitlines() == [
        "Try the model: .venv/bin/python local_runner.py predict '/mine/my flowers.yaml' --workspace /w runs/rose.png",
        "Where it proves to be worse than the last one:"
        " .venv/bin/python local_runner.py rollback '/mine/my flowers.yaml' --workspace /w",
    ]
    failed = a_record(status="failed", message="Trainer: no", log="runs/Trainer.log")
    assert texts_of(verdict(a_material(failed)))[-1].startswith("Read runs/Trainer.log, mend the cause")
    refused = texts_of(verdict(a_material(a_record(status="not_blessed", message="accuracy is 0.1"))))
    assert "--force-bless REASON" in refused[-1]
    [tried] = texts_of(verdict(a_material(a_record(status="refused"))))
    assert tried.startswith("See below which checks of the canary failed")
