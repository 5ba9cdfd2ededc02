"""How the model that later ones are compared with has fared on newer data. Loads no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.record import UNCHANGED, RunRecord

_SHOWN = 5


def champion_object(records: Sequence[RunRecord]) -> dict[str, Any] | None:
    """The last champion and its scores, also of runs that pushed nothing.

    Args:
      records: of all runs, oldest first.

    Returns:
      `model`, its place; `version` and `metrics` of the run that pushed it, None where that is not known; `scores`, a
      list of `run_id`, `span` and `metrics`, oldest first. None where no model was compared with another.
    """
    compared = [record for record in records if record.champion is not None and record.status != UNCHANGED]
    if not compared:
        return None
    model = str((compared[-1].champion or {})["model"])
    origin = next((record for record in reversed(records) if _has_pushed(record, model)), None)
    scores = [
        {"run_id": record.run_id, "span": (record.data or {}).get("span"), "metrics": record.champion["metrics"]}
        for record in compared
        if record.champion is not None and record.champion["model"] == model
    ]
    return {
        "model": model,
        "version": origin.pushed_version if origin else None,
        "metrics": origin.metrics if origin else None,
        "scores": scores,
    }


def describe_champion(records: Sequence[RunRecord], metric: str) -> list[str]:
    """The same as a line for a person; none where there was no champion.

    Args:
      records: of all runs, oldest first.
      metric: which is told.
    """
    found = champion_object(records)
    if found is None:
        return []
    name = f"champion {found['version']}" if found["version"] else "the last champion"
    then = [f"{found['metrics'][metric]:.4f} when pushed"] if found["metrics"] and metric in found["metrics"] else []
    since = [
        f"{score['metrics'][metric]:.4f} on the test data of {_named(score)}"
        for score in found["scores"][-_SHOWN:]
        if metric in score["metrics"]
    ]
    return [f"{name}: {metric} {', '.join([*then, *since])}"] if then or since else []


def _has_pushed(record: RunRecord, model: str) -> bool:
    servable = str(record.basis["servable"]) if record.basis else ""
    return record.pushed_version is not None and servable.startswith(f"{model}/")


def _named(score: dict[str, Any]) -> str:
    return f"span {score['span']}" if score["span"] is not None else f"run {score['run_id']}"
