"""What is kept of a run, and the exit status that follows from it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from components.durability import make_directories
from components.whole_files import write_whole

RECORD_NAME = "record.json"
# In microseconds: its number within a second has four hexadecimal digits.
_FRACTION = 16
_TIME = "%Y%m%dT%H%M%S"
_RUN_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{4}")

RUNNING = "running"
PUSHED = "pushed"
UNCHANGED = "unchanged"
INVALID = "invalid"
STOPPED_BY_GATE = "stopped_by_gate"
NOT_BLESSED = "not_blessed"
REFUSED = "refused"
FAILED = "failed"

# A contract: other programs rely on these.
EXIT_STATUSES = {
    RUNNING: 1,
    PUSHED: 0,
    UNCHANGED: 0,
    FAILED: 1,
    INVALID: 2,
    STOPPED_BY_GATE: 3,
    NOT_BLESSED: 4,
    REFUSED: 4,
}

EXECUTED = "executed"
CACHED = "cached"
SKIPPED = "skipped"


@dataclass
class NodeRecord:
    """What became of one node: `executed`, `cached`, `failed` or `skipped`, or `running`; and how long it took."""

    state: str
    seconds: float
    attempts: int = 1
    """How often it was tried in this run."""


@dataclass
class RunRecord:
    """One run of an experiment."""

    run_id: str
    experiment: str
    digest: str
    started: str
    status: str = FAILED
    """One of `EXIT_STATUSES`; `running` from its first node to its last."""
    nodes: dict[str, NodeRecord] = field(default_factory=dict)
    message: str | None = None
    """Why it ended before the push, for a person."""
    data: dict[str, Any] | None = None
    """What was ingested: `examples` by split, `refused` by reason, `quarantine`, `span`."""
    accepted: dict[str, str] | None = None
    """Set where the gate stopped the run and it went on all the same: `who`, `when`, `why` and `verdict`."""
    forced: dict[str, str] | None = None
    """Set where the model is blessed against the Evaluator, by this run or an earlier one; keys as of `accepted`."""
    log: str | None = None
    """The log of the node that failed."""
    warnings: list[str] = field(default_factory=list)
    pushed_version: int | None = None
    """Set by a run that pushed."""
    serving_directory: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    champion: dict[str, Any] | None = None
    """The last blessed model that the new one was compared with: `model`, its place, and its `metrics` on the same
    images; None where there was none."""
    training: dict[str, Any] = field(default_factory=dict)
    """How the training went: `epochs`, `best_epoch`, `stopped_by`, `seconds` and others; empty where none ended."""
    diagnostics: list[dict[str, Any]] = field(default_factory=list)
    """Signs in its curves, problems first: `sign`, `kind`, `epoch`, `figures`, `message` and `advice`."""
    tuning: dict[str, Any] | None = None
    """What was searched for, and found: `best`, `num_trials`, `sweep`, `cross_validation`, `table` and others."""
    arguments: list[str] = field(default_factory=list)
    """With which other commands find the experiment and its workspace; empty where none was run by hand."""
    image: str | None = None
    """The container image that worked on it; None outside of containers."""
    sample: str | None = None
    """A held-out image to try the model on."""
    report: str | None = None
    """The page that shows all this; None where it could not be made."""
    repeats: str | None = None
    """The run whose answer this one has, because nothing was new; None where it worked, or looked for itself."""
    conditions: str | None = None
    """Digest of what it started with, but for the data; None where that cannot be told beforehand."""
    basis: dict[str, Any] | None = None
    """What later runs and a scheduler need to know of a complete answer; None where it did not come to one."""
    seconds: float = 0.0

    @property
    def exit_status(self) -> int:
        """For the process that ran it."""
        return EXIT_STATUSES[self.status]

    def warn(self, text: str) -> None:
        """Adds a warning, unless it is there already."""
        if text not in self.warnings:
            self.warnings.append(text)

    def refuse(self, reason: str) -> None:
        """Notes that the run cannot begin: what the experiment names is not there."""
        self.status, self.message, self.log = INVALID, reason, None

    def cut_off(self) -> None:
        """Notes that the process at work on the run died: killed, out of memory, or with the machine."""
        at_work = [name for name, node in self.nodes.items() if node.state == RUNNING]
        for name in at_work:
            self.nodes[name].state = FAILED
        self.status = FAILED
        self.message = (
            f"{at_work[0] if at_work else 'the run'}: cut off, for its process died: killed, out of memory or time, or"
            " with its machine; run again: finished stages are kept"
        )

    def write(self, runs: Path) -> None:
        """Keeps the record as `<runs>/<run_id>/record.json`, whole or not at all, also when power fails."""
        directory = runs / self.run_id
        make_directories(directory)
        write_whole(directory / RECORD_NAME, json.dumps(asdict(self), indent=1))

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


def not_started(status: str, errors: Sequence[str]) -> dict[str, Any]:
    """The object that `--json` prints where no run came about: a run's keys, and the errors."""
    contract = ("status", "run_id", "nodes", "pushed_version", "serving_directory", "metrics", "report")
    return {**dict.fromkeys(contract), "status": status, "nodes": {}, "metrics": {}, "errors": list(errors)}


def new_run_id(runs: Path) -> str:
    """The time in UTC, to 16 microseconds: ids in the order of their names are in that of their runs.

    Args:
      runs: where those of earlier runs are; where the clock was set back, the new one follows them all the same.
    """
    now = _as_id(datetime.now(timezone.utc))
    last = max((name for name in _names(runs) if _RUN_ID.fullmatch(name)), default="")
    return now if now > last else _following(last)


def read_records(runs: Path) -> list[RunRecord]:
    """The records of all runs, oldest first; an unreadable one is left out."""
    found = [read_record(runs, path.parent.name) for path in runs.glob(f"*/{RECORD_NAME}")]
    return sorted((record for record in found if record is not None), key=_age)


def read_record(runs: Path, run_id: str) -> RunRecord | None:
    """The record of one run; None where there is none that can be read."""
    try:
        content = json.loads((runs / run_id / RECORD_NAME).read_text())
        nodes = {name: NodeRecord(**node) for name, node in content.pop("nodes").items()}
        return RunRecord(**content, nodes=nodes)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _names(directory: Path) -> list[str]:
    return os.listdir(directory) if directory.is_dir() else []


def _as_id(moment: datetime) -> str:
    return f"{moment:{_TIME}}-{moment.microsecond // _FRACTION:04x}"


def _following(run_id: str) -> str:
    second, _, fraction = run_id.partition("-")
    return _as_id(datetime.strptime(second, _TIME) + timedelta(microseconds=(int(fraction, 16) + 1) * _FRACTION))


def _age(record: RunRecord) -> tuple[str, str]:
    if _RUN_ID.fullmatch(record.run_id):
        return record.run_id, ""
    # Kubeflow's ids say nothing of time.
    try:
        return f"{datetime.fromisoformat(record.started):{_TIME}}", record.run_id
    except ValueError:
        return "", record.run_id
