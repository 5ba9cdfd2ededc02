"""Sets the measurements of two contenders side by side."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.table import Table

from tests.bench.bounded_process import Usage

STOCK, DARKROOM = "stock TFX", "Darkroom"

# Darkroom's stages that have another name than the stock components that do the same.
_STOCK_NAMES = {"ImageExampleGen": "ImportExampleGen", "ImportSchemaGen": "SchemaGen", "DataGate": "ExampleValidator"}


class UnfinishedError(Exception):
    """A contender ended without having done all of the work."""


@dataclass(frozen=True)
class Measurement:
    """One run of one contender."""

    usage: Usage
    stages: Mapping[str, float]
    """Seconds by the name of the stage, in order."""
    accuracy: float

    @property
    def outside_of_stages(self) -> float:
        """Seconds for imports, for compiling the pipeline, and for all else between the stages."""
        return self.usage.seconds - sum(self.stages.values())


class Row(NamedTuple):
    """One figure of both contenders, None where one has no such thing."""

    name: str
    unit: str
    stock: float | None
    darkroom: float | None

    @property
    def ratio(self) -> float | None:
        """Darkroom's figure by that of stock."""
        return self.darkroom / self.stock if self.stock and self.darkroom is not None else None


def read_darkroom(usage: Usage, output: str) -> Measurement:
    """Reads what `local_runner.py run --json` printed.

    Raises:
      UnfinishedError: it pushed nothing, or took a stage from the cache.
    """
    result = _last_line(output)
    stages = result["nodes"]
    reused = [name for name, stage in stages.items() if stage["state"] != "executed"]
    if result["status"] != "pushed" or reused:
        raise UnfinishedError(f"status {result['status']}, not executed: {', '.join(reused) or 'nothing'}")
    seconds = {name: float(stage["seconds"]) for name, stage in stages.items()}
    return Measurement(usage, seconds, result["metrics"]["accuracy"])


def read_stock(usage: Usage, output: str) -> Measurement:
    """Reads what `tests.bench.stock_tfx` printed.

    Raises:
      UnfinishedError: it pushed nothing.
    """
    result = _last_line(output)
    if not result["pushed"]:
        raise UnfinishedError("no model was pushed")
    return Measurement(usage, result["stages"], result["accuracy"])


def _last_line(output: str) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise UnfinishedError(f"no JSON in the last line of the output: {output[-200:]!r}") from error
    return result


def compare(stock: Sequence[Measurement], darkroom: Sequence[Measurement]) -> list[Row]:
    """Medians over the rounds; the first row is the whole process."""

    def row(name: str, unit: str, figure: Any) -> Row:
        medians = (statistics.median(map(figure, measurements)) for measurements in (stock, darkroom))
        return Row(name, unit, *medians)

    return [
        row("whole process", "s", lambda measurement: measurement.usage.seconds),
        row("outside of the stages", "s", lambda measurement: measurement.outside_of_stages),
        *_stage_rows(_medians(stock), _medians(darkroom)),
        row("Evaluator and Canary", "s", _seconds_of_judgement),
        row("processor time", "s", lambda measurement: measurement.usage.cpu_seconds),
        row("peak memory", "MiB", lambda measurement: measurement.usage.peak_mebibytes),
        row("accuracy", "", lambda measurement: measurement.accuracy),
    ]


def _seconds_of_judgement(measurement: Measurement) -> float:
    return measurement.stages.get("Evaluator", 0.0) + measurement.stages.get("Canary", 0.0)


def _medians(measurements: Sequence[Measurement]) -> dict[str, float]:
    return {
        stage: statistics.median(measurement.stages[stage] for measurement in measurements)
        for stage in measurements[0].stages
    }


def _stage_rows(stock: Mapping[str, float], darkroom: Mapping[str, float]) -> Iterator[Row]:
    own_names = {_STOCK_NAMES.get(stage, stage): stage for stage in darkroom}
    for stage, seconds in stock.items():
        own = own_names.pop(stage, None)
        name = stage if own in (stage, None) else f"{stage} / {own}"
        yield Row(name, "s", seconds, darkroom[own] if own else None)
    for own in own_names.values():
        yield Row(own, "s", None, darkroom[own])


def as_table(rows: Sequence[Row], title: str) -> Table:
    """The rows for a person."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in (STOCK, DARKROOM, "ratio"):
        table.add_column(heading, justify="right")
    for row in rows:
        figures = (f"{_shown(row.stock, row.unit)}", f"{_shown(row.darkroom, row.unit)}")
        table.add_row(row.name, *figures, "" if row.ratio is None else f"{row.ratio:.2f}", end_section=row is rows[0])
    return table


def _shown(figure: float | None, unit: str) -> str:
    if figure is None:
        return "–"
    decimals = {"s": 2, "MiB": 0}.get(unit, 4)
    return f"{figure:,.{decimals}f} {unit}".rstrip()
