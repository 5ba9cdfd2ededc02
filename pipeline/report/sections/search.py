"""What the Tuner tried, and what it found."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.report.content import Block, Cell, Figure, Section, Table, Text, Values
from pipeline.report.material import Material
from pipeline.report.plots import INK, MUTED, SERIES, count_along_x, draw, scale_by_powers
from pipeline.report.wording import number, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SEARCH = "search"
_COMPLETED = "completed"
_MOST_TRIALS = 20
_FIGURES = ("val_accuracy", "val_f1", "val_loss")


def search(material: Material) -> Section | None:
    """The sweep's curve, the trials and the folds, as far as there were any."""
    tuning = material.record.tuning
    if tuning is None:
        return None
    blocks: list[Block] = [Values([(name, f"{value}") for name, value in tuning["best"].items()])]
    if tuning["sweep"]:
        blocks += [Text(f"Learning rate {tuning['sweep']['rate']:g}: {tuning['sweep']['reason']}"), *_sweep(tuning)]
    if tuning["num_trials"]:
        blocks += _trials(tuning)
    if tuning["cross_validation"]:
        blocks.append(_folds(tuning["cross_validation"]))
    return Section("Search", blocks)


def _sweep(tuning: dict[str, Any]) -> Iterator[Figure]:
    sweep = tuning["sweep"]
    ends = [
        (point["rate"], point["val_loss"][-1], point["is_diverging"])
        for point in sweep["curve"]
        if point["val_loss"] and point["val_loss"][-1] is not None
    ]
    if not ends:
        return
    rates, losses, diverging = zip(*sorted(ends), strict=True)
    chosen = rates.index(sweep["rate"]) if sweep["rate"] in rates else None

    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        axes.plot(rates, losses, color=SERIES[0], marker="o")
        bad = [(rate, loss) for rate, loss, is_bad in zip(rates, losses, diverging, strict=True) if is_bad]
        if bad:
            axes.plot(*zip(*bad, strict=True), color=SERIES[1], marker="x", markersize=8, linestyle="none")
        if chosen is not None:
            axes.plot([rates[chosen]], [losses[chosen]], color=INK, marker="o", markersize=7, linestyle="none")
        scale_by_powers(axes, along="x")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss on the eval split")

    told = ", ".join(f"{loss:.4g} at {rate:g}" for rate, loss in zip(rates, losses, strict=True))
    yield draw("Sweep over learning rates", f"Loss at the end of each short training: {told}.", paint)


def _trials(tuning: dict[str, Any]) -> Iterator[Block]:
    table = Path(tuning["table"])
    if not table.exists():
        yield Text(f"The table of trials, {table}, is gone.", "muted")
        return
    trials = [row for row in json.loads(table.read_text(encoding="utf-8")) if row["part"] == _SEARCH]
    objective = tuning["objective"]
    sign = 1 if objective.endswith("loss") else -1
    scored = [(place, row[objective]) for place, row in enumerate(trials, start=1) if row[objective] is not None]
    if scored:
        yield _progress(objective, scored, sign)
    trials.sort(key=lambda row: math.inf if row[objective] is None else sign * row[objective])
    rows = []
    for row in trials[:_MOST_TRIALS]:
        values = ", ".join(f"{name.rpartition('.')[2]} {_shown(value)}" for name, value in row.items() if "." in name)
        told = (
            Cell(values) if row["status"] == _COMPLETED else Cell(f"{values}: {short(row['reason'], 120)}", "problem")
        )
        rows.append([row["trial_id"], told, *(number(row[name]) for name in _FIGURES)])
    left_out = f", the best {_MOST_TRIALS} of {len(trials)}" if len(trials) > _MOST_TRIALS else ""
    yield Table(("trial", "values", *_FIGURES), rows, f"Trials by {objective}, the best first{left_out}.", num_texts=2)


def _progress(objective: str, scored: list[tuple[int, float]], sign: int) -> Figure:
    places, scores = zip(*scored, strict=True)
    best_so_far = [sign * min(sign * score for score in scores[: end + 1]) for end in range(len(scores))]

    def paint(axes: Axes) -> None:
        axes.grid(axis="y")
        axes.step(places, best_so_far, where="post", color=MUTED, linewidth=1, label="best so far")
        axes.plot(places, scores, color=SERIES[0], marker="o", linestyle="none", label="trial")
        axes.set_xlabel("trial")
        axes.set_ylabel(objective)
        count_along_x(axes)

    description = f"{len(scored)} trials; {objective} from {min(scores):.4f} to {max(scores):.4f}."
    return draw("Trials of the search", description, paint)


def _folds(folds: dict[str, Any]) -> Table:
    rows = [[name, number(folds[name]["mean"]), number(folds[name]["deviation"])] for name in ("accuracy", "f1")]
    failed = f", of which {folds['failed']} failed" if folds["failed"] else ""
    return Table(("metric", "mean", "deviation"), rows, f"Cross-validation over {folds['folds']} folds{failed}.")


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
