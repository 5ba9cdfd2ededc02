"""Measures Darkroom against a stock TFX pipeline that does the same work.

python -m tests.bench.against_stock --help
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import click
from rich.console import Console

from tests.bench.bounded_process import ProcessFailedError, Usage, run_bounded
from tests.bench.comparison import (
    DARKROOM,
    STOCK,
    Measurement,
    Row,
    UnfinishedError,
    as_table,
    compare,
    read_darkroom,
    read_stock,
)

ROOT = Path(__file__).parents[2]
EXPERIMENT = Path(__file__).with_name("fashion_png.yaml")

_READERS = {STOCK: read_stock, DARKROOM: read_darkroom}
_PACKAGES = ("tfx", "tensorflow", "keras", "apache-beam")
_STOCK_NEEDS = ("pip", "setuptools")
_NUM_LAST_LINES = 30
_WARM_UP = "import tensorflow_model_analysis, tfx.v1"


class BenchmarkError(Exception):
    """There is nothing to compare."""


class Benchmark:
    """Both contenders on the same files, each run in a new directory and a process of its own."""

    def __init__(self, directory: Path, num_images: int, timeout: float) -> None:
        """Sets out what to run.

        Args:
          directory: keeps the data, and the work of a run that failed.
          num_images: to train on.
          timeout: for each process, in seconds.
        """
        self._directory = directory
        self._data = directory / f"data-{num_images}"
        self._num_images = num_images
        self._timeout = timeout
        self._environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}

    def prepare(self) -> None:
        """Writes the data where it is missing, and brings the libraries from the disk into memory.

        Raises:
          BenchmarkError: that failed, or the environment lacks what stock TFX needs.
        """
        if missing := [name for name in _STOCK_NEEDS if importlib.util.find_spec(name) is None]:
            raise BenchmarkError(
                f"stock TFX makes a package of its module file, and {' and '.join(missing)} is missing for that;"
                " remove .venv and run 'make environment'"
            )
        self._directory.mkdir(parents=True, exist_ok=True)
        work = self._new_directory("preparation")
        self._run([sys.executable, "-c", _WARM_UP], work)
        if not self._data.is_dir():
            written = work / "data"
            self._run([sys.executable, "-m", "tests.bench.fashion_png", str(written), str(self._num_images)], work)
            written.rename(self._data)
        shutil.rmtree(work)

    def measure(self, contender: str) -> Measurement:
        """Runs one contender from the data to the push.

        Raises:
          BenchmarkError: it failed; the message ends with the end of its log.
        """
        work = self._new_directory(contender.replace(" ", "-").lower())
        usage = self._run(self._command(contender, work), work)
        try:
            measurement = _READERS[contender](usage, (work / "output").read_text())
        except UnfinishedError as error:
            raise BenchmarkError(f"{contender} did not finish: {error}\n{_end_of_log(work)}") from error
        shutil.rmtree(work)
        return measurement

    def _new_directory(self, purpose: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=self._directory))

    def _command(self, contender: str, work: Path) -> list[str]:
        if contender == STOCK:
            own = ["-m", "tests.bench.stock_tfx", str(self._data), str(work), str(self._num_images)]
        else:
            source = f"data.source={self._data}"
            own = ["local_runner.py", "run", str(EXPERIMENT), "--set", source, "--workspace", str(work), "--json"]
        return [sys.executable, *own]

    def _run(self, command: Sequence[str], work: Path) -> Usage:
        try:
            return run_bounded(command, ROOT, self._environment, work / "output", work / "log", self._timeout)
        except ProcessFailedError as error:
            raise BenchmarkError(f"{error}\n{_end_of_log(work)}") from error


def _end_of_log(work: Path) -> str:
    """The last lines of the log of the stage that failed, where one is named, or else of the process."""
    log = work / "log"
    with contextlib.suppress(IndexError, ValueError, KeyError, TypeError):
        log = Path(json.loads((work / "output").read_text().splitlines()[-1])["log"])
    lines = log.read_text(errors="replace").splitlines()[-_NUM_LAST_LINES:]
    return "\n".join([f"the end of {log}:", *lines])


def run_rounds(benchmark: Benchmark, num_rounds: int, console: Console) -> dict[str, list[Measurement]]:
    """Runs both in turn; who goes first changes from round to round."""
    measurements: dict[str, list[Measurement]] = {STOCK: [], DARKROOM: []}
    for number in range(num_rounds):
        for contender in (STOCK, DARKROOM) if number % 2 == 0 else (DARKROOM, STOCK):
            measurement = benchmark.measure(contender)
            measurements[contender].append(measurement)
            console.print(f"round {number + 1}: {contender:<10} {measurement.usage.seconds:7.1f} s", highlight=False)
    return measurements


def write_results(
    directory: Path, num_images: int, measurements: Mapping[str, Sequence[Measurement]], rows: Sequence[Row]
) -> Path:
    """Keeps every single measurement, the medians and what they were measured with, as `<time>.json`."""
    now = datetime.now(timezone.utc)
    content = {
        "time": now.isoformat(timespec="seconds"),
        "images": num_images,
        "processors": len(os.sched_getaffinity(0)),
        "versions": {"python": sys.version.split()[0], **{name: metadata.version(name) for name in _PACKAGES}},
        "medians": [{**row._asdict(), "ratio": row.ratio} for row in rows],
        "runs": {
            contender: [{**asdict(one), "usage": one.usage._asdict()} for one in all_of_it]
            for contender, all_of_it in measurements.items()
        },
    }
    path = directory / f"{now:%Y%m%dT%H%M%S}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


@click.command()
@click.option("--images", default=60_000, show_default=True, type=click.IntRange(600, 60_000), help="To train on.")
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(1), help="Runs of each of the two.")
@click.option("--limit", default=1.0, show_default=True, help="Largest ratio of the whole processes that is good.")
@click.option("--timeout", default=1800.0, show_default=True, help="For each process, in seconds.")
@click.option(
    "--directory",
    default=ROOT / "workspace" / "bench",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    help="For data, work and results.  [default: workspace/bench]",
)
def main(images: int, rounds: int, limit: float, timeout: float, directory: Path) -> None:
    """Fashion-MNIST as PNG files, from TFRecords to a pushed model, by both in turn.

    Exit status: 0 where Darkroom takes at most LIMIT of stock's time, else 1.
    """
    # A terminal of 80 columns is assumed where there is none, and rich would then break the rows.
    console = Console(width=None if sys.stdout.isatty() else 100)
    benchmark = Benchmark(directory, images, timeout)
    try:
        benchmark.prepare()
        measurements = run_rounds(benchmark, rounds, console)
    except BenchmarkError as error:
        sys.exit(str(error))
    rows = compare(measurements[STOCK], measurements[DARKROOM])
    console.print(as_table(rows, f"{images:,} images, one epoch, medians of {rounds}"))
    console.print(f"results: {write_results(directory, images, measurements, rows)}", highlight=False, soft_wrap=True)
    whole = rows[0].ratio
    assert whole is not None
    if whole > limit:
        sys.exit(f"Darkroom takes {whole:.2f} times as long as stock TFX; at most {limit:g} is good")


if __name__ == "__main__":
    main()
