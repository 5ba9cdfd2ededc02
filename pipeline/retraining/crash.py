"""What a scheduled run has left whose process died before it could say how it ended."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from typing import NamedTuple

from pipeline.paths import Paths, WorkspaceError
from pipeline.record import FAILED, RUNNING, RunRecord, read_record
from pipeline.retraining.child import Outcome
from pipeline.workspace_lock import workspace_lock
from schemas.experiment import Experiment


class Remains(NamedTuple):
    """The run as it is known afterwards."""

    record: RunRecord
    """The run's own; where it had none yet, a new one, which is kept only where its id is known."""
    is_complete: bool
    """Whether the run itself noted how it ended, and died only then."""


def find_remains(experiment: Experiment, paths: Paths, outcome: Outcome, what_next: str) -> Remains:
    """The record of a run whose process died; `running`, it is cut off there, unless another has the workspace.

    Args:
      experiment: validated.
      paths: where its results went.
      outcome: of the process.
      what_next: what becomes of the run, for those who read why it ended.
    """
    reason = f"{outcome.describe()}; {what_next}"
    try:
        # Whoever else has it may be at work on a record that is `running`.
        with workspace_lock(paths, f"schedule {experiment.name}"):
            remains = _remains(experiment, paths, outcome.run_id, reason)
            if not remains.is_complete and outcome.run_id is not None:
                # Where there is no space, the next run does it.
                with suppress(OSError):
                    remains.record.write(paths.runs)
            return remains
    except WorkspaceError:
        return _remains(experiment, paths, outcome.run_id, reason)


def _remains(experiment: Experiment, paths: Paths, run_id: str | None, reason: str) -> Remains:
    record = read_record(paths.runs, run_id) if run_id is not None else None
    if record is not None and record.status != RUNNING:
        return Remains(record, True)
    if record is None:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        record = RunRecord(run_id or "", experiment.name, experiment.digest(), now, FAILED)
    record.cut_off()
    record.message = f"{record.message} ({reason})"
    return Remains(record, False)
