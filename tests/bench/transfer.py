"""Measures what weights from one half of Fashion-MNIST's classes are worth to the other half.

python -m tests.bench.transfer [--images 1000] [--seeds 3]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from components.errors import DataError
from pipeline.datasets.labeled_images import LabeledImages
from tests.bench.bounded_process import ProcessFailedError, run_bounded
from tests.bench.fashion_png import write_images

ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent
_CLASSES_PER_HALF = 5
_NUM_FIRST = 20_000
_NUM_HELD_OUT = 2_000
_LONGEST = 1800.0
_RANDOM, _TRANSFERRED = "second_half", "second_half_transferred"


def halves(num_images: int) -> dict[str, dict[str, LabeledImages]]:
    """Both halves as the parts train, eval and test, their classes counted from 0.

    Args:
      num_images: to train on, of the second half.
    """
    from pipeline.datasets.fashion_mnist import read

    parts = {part.name: part for part in read()}
    return {
        name: {
            "train": _part(parts["train"], first_class, 0, count),
            "eval": _part(parts["train"], first_class, count, _NUM_HELD_OUT),
            "test": _part(parts["test"], first_class, 0, _NUM_HELD_OUT),
        }
        for name, first_class, count in (("first", 0, _NUM_FIRST), ("second", _CLASSES_PER_HALF, num_images))
    }


def _part(images: LabeledImages, first_class: int, start: int, count: int) -> LabeledImages:
    chosen = np.flatnonzero(images.labels // _CLASSES_PER_HALF == first_class // _CLASSES_PER_HALF)
    chosen = chosen[start : start + count]
    return replace(images, pixels=images.pixels[chosen], labels=images.labels[chosen] - first_class, num_shards=1)


def run(experiment: str, data: Path, workspace: Path, seed: int) -> tuple[int | None, float]:
    """Runs an experiment; gives the epochs that reached its target, None where it did not, and the test accuracy."""
    command = [sys.executable, "local_runner.py", "run", str(_HERE / f"{experiment}.yaml"), "--json"]
    command += ["--workspace", str(workspace), "--set", f"data.source={data}", "--set", f"training.seed={seed}"]
    output, log = workspace / f"{experiment}-{seed}.out", workspace / f"{experiment}-{seed}.log"
    run_bounded(command, ROOT, os.environ, output, log, _LONGEST)
    record = json.loads(output.read_text().splitlines()[-1])
    training = record["training"]
    reached = training["epochs"] if training["stopped_by"] == "accuracy" else None
    return reached, record["metrics"]["accuracy"]


@click.command()
@click.option("--images", "num_images", default=1000, show_default=True, help="Training images of the second half.")
@click.option("--seeds", "num_seeds", default=3, show_default=True, help="Trainings of each kind.")
def main(num_images: int, num_seeds: int) -> None:
    """Prints the epochs that each kind of start needs, and exits with 1 where transfer needs as many or more."""
    epochs: dict[str, list[int]] = {_RANDOM: [], _TRANSFERRED: []}
    table = Table("start", "seed", "epochs to 0.95 of the eval split", "test accuracy", box=None)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for name, parts in halves(num_images).items():
                for split, images in parts.items():
                    write_images(images, Path(scratch, name, split, f"{split}.gz"))
            run("first_half", Path(scratch, "first"), Path(scratch), 0)
            for seed in range(num_seeds):
                for experiment, start in ((_RANDOM, "random"), (_TRANSFERRED, "the other half's weights")):
                    reached, accuracy = run(experiment, Path(scratch, "second"), Path(scratch), seed)
                    epochs[experiment].append(reached or 1_000)
                    table.add_row(start, str(seed), str(reached or "never"), f"{accuracy:.4f}")
    except (DataError, ProcessFailedError) as error:
        sys.exit(str(error))
    Console().print(table)
    random, transferred = (statistics.median(epochs[name]) for name in (_RANDOM, _TRANSFERRED))
    print(f"median: {transferred:g} epochs from the other half's weights, {random:g} from random ones")
    sys.exit(0 if transferred < random else 1)


if __name__ == "__main__":
    main()
