"""What is told of a run."""

from __future__ import annotations

import platform
from typing import Any

from pipeline.record import FAILED, INVALID, NOT_BLESSED, PUSHED, REFUSED, STOPPED_BY_GATE, RunRecord

_EVENTS = {
    PUSHED: "pushed",
    STOPPED_BY_GATE: "refused",
    NOT_BLESSED: "refused",
    REFUSED: "refused",
    FAILED: "failed",
    INVALID: "failed",
}


def event_of(status: str) -> str | None:
    """The event of `notifications.events` that a run's status is; None for one that nobody is told of."""
    return _EVENTS.get(status)


def payload_of(record: RunRecord) -> dict[str, Any]:
    """The JSON object: what a person or a program needs to decide whether to look, and where."""
    return {
        "event": event_of(record.status),
        "experiment": record.experiment,
        "status": record.status,
        "message": record.message,
        "run_id": record.run_id or None,
        "version": record.pushed_version,
        "serving_directory": record.serving_directory,
        "metrics": record.metrics,
        "span": (record.data or {}).get("span"),
        "started": record.started,
        "seconds": record.seconds,
        "report": record.report,
        "host": platform.node(),
    }
