"""Whether a scheduler is at work, and when it runs the experiment next: for `status`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from pipeline.paths import Paths
from pipeline.retraining.due import next_time
from pipeline.retraining.state import State, read_state
from schemas.experiment import Experiment


def scheduler_object(experiment: Experiment, paths: Paths) -> dict[str, Any]:
    """`is_alive` (None where it runs on another machine), `process`, `next_time`, `under_way` and `last`."""
    state = read_state(paths)
    time = next_time(experiment.retraining, datetime.now(timezone.utc))
    process, under_way, last = (state.process, state.under_way, state.last) if state else (None, None, None)
    return {
        "is_alive": _is_alive(state),
        "process": asdict(process) if process else None,
        "next_time": time.isoformat() if time else None,
        "under_way": asdict(under_way) if under_way else None,
        "last": asdict(last) if last else None,
    }


def describe_scheduler(experiment: Experiment, paths: Paths) -> list[str]:
    """The same as lines for a person; none where nobody has asked for a scheduler yet."""
    state = read_state(paths)
    rules = experiment.retraining
    if state is None and rules.cron is None:
        return []
    time = next_time(rules, datetime.now(timezone.utc))
    when = [f"next time {time:%Y-%m-%d %H:%M} {rules.timezone}"] if time else []
    process = state.process if state else None
    if process is None or _is_alive(state) is False:
        died = f"the last one, process {process.process} of {process.user}, died; " if process else ""
        lines = [f"scheduler: none at work; {died}{'; '.join([*when, 'start one with the command schedule'])}"]
    else:
        since = datetime.fromisoformat(process.since)
        at_work = f"process {process.process} of {process.user}, since {since:%Y-%m-%d %H:%M} UTC"
        waits_for = when + (["on new data"] if rules.on_new_data else []) + (["on drift"] if rules.on_drift else [])
        lines = [f"scheduler: {at_work}; {', '.join(waits_for)}"]
    if state is not None and state.under_way is not None:
        reasons = ", ".join(state.under_way.reasons)
        is_left = _is_alive(state) is False
        lines.append(f"a run that the next one goes on with: {reasons}" if is_left else f"its run under way: {reasons}")
    if state is not None and state.last is not None:
        lines.append(f"scheduler's last run: {state.last.status} ({', '.join(state.last.reasons)})")
    return lines


def _is_alive(state: State | None) -> bool | None:
    return False if state is None or state.process is None else state.process.is_alive
