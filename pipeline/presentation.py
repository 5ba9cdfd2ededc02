"""What a person reads of runs, versions and predictions."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.pusher.serving_directory import ServingDirectory
from pipeline.paths import Paths
from pipeline.prediction import Prediction
from pipeline.record import PUSHED, UNCHANGED, RunRecord
from pipeline.tuned import describe_tuning, trials_of
from pipeline.versions import describe_versions, shown_location, versions_object
from schemas.problems import shown_path

_NUM_RUNS = 10
# Of all metrics; the others are in the report and in --json.
_SHOWN = ("accuracy", "macro_f1", "cross_entropy", "calibration_error")
_COLUMNS = ("accuracy", "cross_entropy")
_STYLES = {PUSHED: "green", UNCHANGED: "cyan"}


def summarize(record: RunRecord, serving: ServingDirectory, experiment: str, workspace: Path) -> str:
    """How a run ended, where the model is, its metrics, what is wrong with its curves, and what to try next."""
    lines = [*(f"warning: {warning}" for warning in record.warnings), *_forced(record)]
    if record.status in (PUSHED, UNCHANGED):
        version = record.pushed_version or max(serving.versions(), default=None)
        live = shown_location(f"{serving.location}/{version}") if version else "no version is live, and that"
        head = f"pushed {live}" if record.status == PUSHED else f"nothing new to do; {live} stays"
        message = [record.message] if record.message else []
        found = [*_metrics(record), *describe_tuning(record), *_diagnostics(record, "problem", "warning")]
        lines += [head, *message, *found, *_report(record)]
        if record.sample:
            options = [] if workspace == Path("workspace") else ["--workspace", str(workspace)]
            command = [shown_path(Path(sys.executable)), sys.argv[0], "predict", *options, experiment]
            lines += [f"next: {shlex.join([*command, shown_path(Path(record.sample))])}"]
        return "\n".join(lines)
    told = _diagnostics(record, "problem", "warning")
    lines += [record.message or record.status, *_metrics(record), *describe_tuning(record), *told, *_log(record)]
    lines += _report(record)
    return "\n".join(lines)


def status_object(records: Sequence[RunRecord], serving: ServingDirectory) -> dict[str, Any]:
    """Runs, oldest first, and versions."""
    return {"runs": [record.to_json() for record in records], **versions_object(serving)}


def print_status(
    paths: Paths, records: Sequence[RunRecord], serving: ServingDirectory, remarks: Sequence[str] = ()
) -> None:
    """A table of the newest runs, the nodes and the training of the last one, remarks, and the versions.

    Args:
      paths: of the experiment.
      records: of all its runs, oldest first.
      serving: its versions.
      remarks: lines that go between the runs and the versions.
    """
    console, name = Console(), paths.name
    if not records:
        print(f"{name} has not run yet in {shown_path(paths.root)}", *remarks, sep="\n")
        return
    shown_runs = records[-_NUM_RUNS:]
    names = [name for name in _COLUMNS if any(name in record.metrics for record in shown_runs)]
    runs = _table("run", "status", "seconds", "version", *names)
    for record in shown_runs:
        status = Text(record.status, _STYLES.get(record.status, "red"))
        figures = _figures(record)
        runs.add_row(
            record.run_id,
            status,
            f"{record.seconds:.1f}",
            str(record.pushed_version or ""),
            *(figures.get(metric, "") for metric in names),
        )
    nodes = _table("node", "state", "seconds")
    for node, result in records[-1].nodes.items():
        nodes.add_row(node, result.state, f"{result.seconds:.1f}")
    # Texts by print, for rich would wrap them.
    print(f"runs of {name}")
    console.print(runs)
    if nodes.rows:
        print(f"\nnodes of {records[-1].run_id}")
        console.print(nodes)
    trials = trials_of(records[-1])
    if trials is not None:
        print(f"\ntrials of {records[-1].run_id}")
        console.print(trials)
    accepted = [
        "{0}: data accepted by {who}, {when}: {why}".format(record.run_id, **record.accepted)
        for record in shown_runs
        if record.accepted
    ]
    last = records[-1]
    accepted += [f"{record.run_id}: {line}" for record in shown_runs for line in _forced(record)]
    message = [last.message] if last.message else []
    training = [*describe_tuning(last), *_training(last), *_diagnostics(last, "problem", "warning", "good")]
    print("", *accepted, *message, *training, *_log(last), *remarks, *describe_versions(serving), sep="\n")


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


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for column in columns:
        table.add_column(column, no_wrap=True, justify="right" if column == "seconds" else "left")
    return table


def _metrics(record: RunRecord) -> list[str]:
    figures = ", ".join(f"{name} {figure}" for name, figure in _figures(record).items())
    return [figures] if figures else []


def _training(record: RunRecord) -> list[str]:
    """How long the last training was, and why it ended; nothing where none did."""
    training = record.training
    if not training:
        return []
    stopped_by, resumed_from = training.get("stopped_by"), training.get("resumed_from_epoch")
    ended = f", ended by {stopped_by}" if stopped_by and stopped_by != "epochs" else ""
    resumed = f", resumed after epoch {resumed_from}" if resumed_from else ""
    epochs = f"{training['epochs']} epochs in {training['seconds']:.1f} s, the best {training['best_epoch']}"
    return [f"training: {epochs}{ended}{resumed}"]


def _diagnostics(record: RunRecord, *kinds: str) -> list[str]:
    """Two lines for each sign of these kinds: what it says, and what to try."""
    return [
        line
        for finding in record.diagnostics
        if finding["kind"] in kinds
        for line in (f"{finding['kind']}: {finding['message']}", f"  {finding['advice']}")
        if line.strip()
    ]


def _log(record: RunRecord) -> list[str]:
    return [f"log: {shown_path(Path(record.log))}"] if record.log else []


def _report(record: RunRecord) -> list[str]:
    return [f"report: {shown_path(Path(record.report))}"] if record.report else []


def _forced(record: RunRecord) -> list[str]:
    if not record.forced:
        return []
    misses = "; ".join(record.forced["verdict"].splitlines()[1:])
    return ["model blessed against the Evaluator by {who}, {when}: {why}".format(**record.forced) + f" ({misses})"]


def _figures(record: RunRecord) -> dict[str, str]:
    return {name: f"{record.metrics[name]:.4f}" for name in _SHOWN if name in record.metrics}
