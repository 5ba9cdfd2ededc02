"""What a person reads of runs, versions and predictions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from components.pusher.publication import versions
from pipeline.paths import Paths
from pipeline.prediction import Prediction
from pipeline.record import PUSHED, UNCHANGED, RunRecord, read_records

_NUM_RUNS = 10
_STYLES = {PUSHED: "green", UNCHANGED: "cyan"}


def summarize(record: RunRecord, paths: Paths, experiment: str, workspace: Path) -> str:
    """How a run ended, where the model is, its metrics, and what to try next."""
    lines = [*record.warnings]
    if record.status in (PUSHED, UNCHANGED):
        live = shown(paths.serving / str(versions(paths.serving)[-1]))
        head = f"pushed {live}" if record.status == PUSHED else f"nothing new to do; {live} stays"
        lines += [head, *_metrics(record)]
        if record.sample:
            options = "" if workspace == Path("workspace") else f" --workspace {workspace}"
            command = f"{shown(Path(sys.executable))} {sys.argv[0]} predict{options} {experiment}"
            lines += [f"next: {command} {shown(Path(record.sample))}"]
        return "\n".join(lines)
    lines += [record.message or record.status, *_metrics(record)]
    if record.log:
        lines.append(f"log: {shown(Path(record.log))}")
    return "\n".join(lines)


def status_object(paths: Paths) -> dict[str, Any]:
    """Runs, oldest first, and versions."""
    return {
        "runs": [record.to_json() for record in read_records(paths.runs)],
        "versions": versions(paths.serving),
        "serving_directory": str(paths.serving),
    }


def print_status(name: str, paths: Paths) -> None:
    """A table of the newest runs, the nodes of the last one, and the versions."""
    console = Console()
    records = read_records(paths.runs)
    if not records:
        console.print(f"{name} has not run yet in {shown(paths.root)}", highlight=False)
        return
    runs = Table("run", "status", "seconds", "version", "metrics", title=f"runs of {name}", title_justify="left")
    for record in records[-_NUM_RUNS:]:
        version = str(record.pushed_version or "")
        style = _STYLES.get(record.status, "red")
        runs.add_row(
            record.run_id, f"[{style}]{record.status}", f"{record.seconds:.1f}", version, ", ".join(_figures(record))
        )
    console.print(runs)
    nodes = Table("node", "state", "seconds", title=f"nodes of {records[-1].run_id}", title_justify="left")
    for node, result in records[-1].nodes.items():
        nodes.add_row(node, result.state, f"{result.seconds:.1f}")
    console.print(nodes)
    if records[-1].message:
        console.print(records[-1].message, markup=False, highlight=False)
    pushed = versions(paths.serving)
    live = f"versions in {shown(paths.serving)}: {', '.join(map(str, pushed)) or 'none'}"
    console.print(live, highlight=False)


def predictions_object(version: int, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Predictions by file, with the version that made them."""
    return {
        "version": version,
        "predictions": [
            {"image": item.image, "error": item.error}
            if item.error
            else {"image": item.image, "label": item.label, "probability": item.probability, "top": item.top}
            for item in predictions
        ],
    }


def print_predictions(predictions: Sequence[Prediction]) -> None:
    """A line for each file."""
    for item in predictions:
        if item.error:
            print(f"{item.image}: {item.error}")
        else:
            others = ", ".join(f"{label} {probability:.3f}" for label, probability in item.top[1:3])
            print(f"{item.image}: {item.label} {item.probability:.3f}" + (f"  (then {others})" if others else ""))


def shown(path: Path) -> str:
    """The path as a reader best finds it: relative where it lies below the current directory."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def _metrics(record: RunRecord) -> list[str]:
    return [", ".join(_figures(record))] if record.metrics else []


def _figures(record: RunRecord) -> list[str]:
    return [f"{name} {value:.4f}" for name, value in sorted(record.metrics.items()) if name != "example_count"]
