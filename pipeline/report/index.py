"""Compares all runs of an experiment on one page. Loads no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from components.errors import StageError
from components.pusher.serving_directory import open_directory
from pipeline.paths import Paths
from pipeline.record import PUSHED, UNCHANGED, RunRecord, read_records
from pipeline.report.content import Block, Cell, Figure, Row, Section, Table, Text, Tone
from pipeline.report.page import Page, publish, render
from pipeline.report.places import INDEX, report_path
from pipeline.report.plots import INK, SERIES, draw
from pipeline.report.sections.verdict import headline
from pipeline.report.wording import counted, number
from schemas.experiment import Experiment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_RUNS = 200
_SHOWN = ("accuracy", "macro_f1", "cross_entropy")
_TONES: dict[str, Tone] = {PUSHED: "good", UNCHANGED: "muted"}


def write_index(experiment: Experiment, paths: Paths) -> None:
    """Writes `reports/index.html` anew, from the records of all runs."""
    records = read_records(paths.runs)
    live = _live(experiment, paths)
    shown = records[-_MOST_RUNS:]
    blocks: list[Block] = [_table(shown, live, paths)]
    evaluated = [record for record in shown if "accuracy" in record.metrics]
    if len(evaluated) > 1:
        blocks.insert(0, _accuracy(evaluated, live))
    if len(records) > len(shown):
        blocks.append(Text(f"The newest {len(shown)} of {counted(len(records), 'run')}.", "muted"))
    page = Page(
        title=f"{experiment.name}: all runs",
        subject=experiment.name,
        headline=f"Version {live} is live" if live else "No version is live",
        tone="plain",
        keys=[("runs", str(len(records))), ("pushed", str(sum(record.status == PUSHED for record in records)))],
        sections=[Section("Runs", blocks)],
        footer=f"All runs of the experiment {experiment.name}, the newest first.",
    )
    publish(render(page), paths.reports / INDEX)


def _live(experiment: Experiment, paths: Paths) -> int | None:
    """The version that is served; None where there is none, or its place cannot be looked at."""
    try:
        return max(open_directory(paths.published(experiment)).versions(), default=None)
    except (OSError, StageError):
        return None


def _table(records: Sequence[RunRecord], live: int | None, paths: Paths) -> Table:
    rows: list[Row] = []
    for record in reversed(records):
        path = report_path(paths, record.run_id)
        version = str(record.pushed_version or "")
        is_live = live is not None and record.pushed_version == live
        told = "Pushed" if record.status == PUSHED else headline(record)[0]
        rows.append(
            [
                Cell(record.run_id, link=path.name if record.report or path.exists() else None),
                Cell(told, _TONES.get(record.status, "problem")),
                Cell(f"{version} live" if is_live else version, "good" if is_live else "plain"),
                *(number(record.metrics.get(name)) for name in _SHOWN),
                f"{record.seconds:.1f}",
            ]
        )
    return Table(("run", "how it ended", "version", *_SHOWN, "seconds"), rows, "The newest first.", num_texts=3)


def _accuracy(records: Sequence[RunRecord], live: int | None) -> Figure:
    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        places = range(1, len(records) + 1)
        values = [record.metrics["accuracy"] for record in records]
        axes.plot(places, values, color=SERIES[0], linewidth=1)
        for is_good, color, marker, name in (
            (True, SERIES[0], "o", "pushed, or nothing new"),
            (False, SERIES[1], "x", "not pushed"),
        ):
            kept = [
                (place, value)
                for place, value, record in zip(places, values, records, strict=True)
                if (record.status in _TONES) == is_good
            ]
            if kept:
                axes.plot(*zip(*kept, strict=True), color=color, marker=marker, linestyle="none", label=name)
        served = [
            place for place, record in zip(places, records, strict=True) if live and record.pushed_version == live
        ]
        if served:
            axes.plot(
                served, values[served[0] - 1], color=INK, marker="o", markersize=7, linestyle="none", label="live"
            )
        axes.set_xticks([1, len(records)], [_day(record) for record in (records[0], records[-1])])
        first, last = axes.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
        axes.set_xlim(0.9, len(records) + 0.1)

    values = [record.metrics["accuracy"] for record in records]
    description = (
        f"Accuracy over the {len(records)} runs that evaluated a model: from {values[0]:.4f} in the first to"
        f" {values[-1]:.4f} in the last, between {min(values):.4f} and {max(values):.4f}."
    )
    return draw("Accuracy from run to run", description, paint)


def _day(record: RunRecord) -> str:
    return f"{datetime.fromisoformat(record.started):%Y-%m-%d %H:%M}"
