"""Measures the data stages: against those of stock TFX, and how they grow with the number of images.

python -m tests.bench.data_stages --help
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from tests.bench.bounded_process import ProcessFailedError, run_bounded
from tests.bench.stage_times import OWN_STAGES

ROOT = Path(__file__).parents[2]
LARGE, SMALL, START_UP = 600_000, 60_000, 600

# By the name of what is compared: stock's stage, Darkroom's, the largest ratio that is good.
COMPARED = {
    "ingestion": ("ImportExampleGen", "ImageExampleGen", 1.0),
    "statistics": ("StatisticsGen", "StatisticsGen", 0.5),
}
LARGEST_GROWTH = 11.0
LARGEST_MEMORY_GROWTH = 1.2
# Below this a stage's own work is lost in the noise of its start.
SHORTEST = 0.2


class Run(NamedTuple):
    """What one process took: seconds by stage, and its largest memory in MiB."""

    seconds: Mapping[str, float]
    peak_mebibytes: float


class Line(NamedTuple):
    """A figure, and the limit that it must keep."""

    name: str
    small: float
    large: float
    figure: float
    limit: float

    @property
    def is_good(self) -> bool:
        """Whether the figure keeps the limit."""
        return self.figure <= self.limit


def against_stock(stock: Sequence[Run], own: Sequence[Run]) -> list[Line]:
    """Medians of the same stages' seconds, and their ratio."""
    lines = []
    for name, (theirs, ours, limit) in COMPARED.items():
        before, after = _median(stock, theirs), _median(own, ours)
        lines.append(Line(f"{name} ({theirs} / {ours}), s", before, after, after / before, limit))
    return lines


def growth(start_up: Sequence[Run], small: Sequence[Run], large: Sequence[Run]) -> list[Line]:
    """How many times longer each stage takes for ten times the images, beyond its start-up; and the memory.

    The start-up is what a stage takes for a few images, less its share of the work. Of several runs the
    fastest counts: whatever else the machine does can only add to it.
    """
    lines = []
    for stage in (stage for stage in OWN_STAGES if stage in large[0].seconds):
        first, fewer, more = (min(run.seconds[stage] for run in runs) for runs in (start_up, small, large))
        per_image = max(fewer - first, 0.0) / (SMALL - START_UP)
        fixed = first - per_image * START_UP
        work = [fewer - fixed, more - fixed]
        figure = 0.0
        if work[1] > SHORTEST:
            figure = work[1] / work[0] if work[0] > 0 else math.inf
        name = f"{stage}, s beyond {max(fixed, 0):.2f} s of start-up"
        lines.append(Line(name, work[0], work[1], figure, LARGEST_GROWTH))
    peaks = [statistics.median(run.peak_mebibytes for run in runs) for runs in (small, large)]
    lines.append(Line("peak memory, MiB", peaks[0], peaks[1], peaks[1] / peaks[0], LARGEST_MEMORY_GROWTH))
    return lines


def _median(runs: Sequence[Run], stage: str) -> float:
    return statistics.median(run.seconds[stage] for run in runs)


class DataBenchmark:
    """Runs contenders on Fashion-MNIST as PNG TFRecords, each in a process of its own."""

    def __init__(self, directory: Path, timeout: float) -> None:
        """Keeps the data in `directory`; each process is killed after `timeout` seconds."""
        self._directory = directory
        self._timeout = timeout
        self._environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}

    def prepare(self, num_images: int) -> Path:
        """The data of a size, written where it is missing."""
        data = self._directory / f"data-{num_images}"
        if not data.is_dir():
            work = self._new_directory()
            self._run(["tests.bench.fashion_png", str(work / "data"), str(num_images)], work)
            (work / "data").rename(data)
            shutil.rmtree(work)
        return data

    def measure(self, contender: str, data: Path) -> Run:
        """Runs the data stages once; raises ProcessFailedError."""
        work = self._new_directory()
        peak = self._run(["tests.bench.stage_times", contender, str(data), str(work / "run")], work)
        seconds = json.loads((work / "output").read_text().splitlines()[-1])
        shutil.rmtree(work)
        return Run(seconds, peak)

    def _new_directory(self) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="stages-", dir=self._directory))

    def _run(self, module: Sequence[str], work: Path) -> float:
        command = [sys.executable, "-m", *module]
        usage = run_bounded(command, ROOT, self._environment, work / "output", work / "log", self._timeout)
        return usage.peak_mebibytes


def as_table(lines: Sequence[Line], title: str, columns: tuple[str, str]) -> Table:
    """The lines for a person."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in (*columns, "ratio", "limit"):
        table.add_column(heading, justify="right")
    for line in lines:
        decimals = 0 if "MiB" in line.name else 2
        figures = (f"{line.small:,.{decimals}f}", f"{line.large:,.{decimals}f}")
        ratio = f"{line.figure:.2f}" if line.figure else f"work under {SHORTEST} s"
        table.add_row(line.name, *figures, ratio, f"{line.limit:g}", style="" if line.is_good else "red")
    return table


@click.command()
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(1), help="Runs of each.")
@click.option("--timeout", default=900.0, show_default=True, help="For each process, in seconds.")
@click.option(
    "--directory",
    default=ROOT / "workspace" / "bench",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    help="For data and work.  [default: workspace/bench]",
)
def main(rounds: int, timeout: float, directory: Path) -> None:
    """Ingestion and statistics of 70,000 PNG files against stock TFX, and how ten times as many images are taken.

    Exit status: 0 where every figure keeps its limit, else 1.
    """
    console = Console(width=None if sys.stdout.isatty() else 120)
    benchmark = DataBenchmark(directory, timeout)
    runs: dict[str, list[Run]] = {name: [] for name in ("stock", "start_up", "small", "large")}
    try:
        sizes = {"start_up": START_UP, "small": SMALL, "stock": SMALL, "large": LARGE}
        data = {name: benchmark.prepare(size) for name, size in sizes.items()}
        for number in range(rounds):
            for name in sizes:
                run = benchmark.measure("stock" if name == "stock" else "own", data[name])
                runs[name].append(run)
                console.print(f"round {number + 1}: {name:<9} {sum(run.seconds.values()):7.1f} s", highlight=False)
    except ProcessFailedError as error:
        sys.exit(str(error))
    compared = against_stock(runs["stock"], runs["small"])
    grown = growth(runs["start_up"], runs["small"], runs["large"])
    console.print(as_table(compared, f"70,000 images, medians of {rounds}", ("stock TFX", "Darkroom")))
    console.print(as_table(grown, f"ten times the images, best of {rounds}", ("70,000 images", "700,000 images")))
    if bad := [line.name for line in (*compared, *grown) if not line.is_good]:
        sys.exit(f"above their limits: {'; '.join(bad)}")


if __name__ == "__main__":
    main()
