"""Measures an epoch of training, the transform graph in its feed, against plain Keras on the same files.

python -m tests.bench.training_epoch [--images 60000] [--epochs 2] [--rounds 2]

Both read PNG files in TFRecords, train the same network by the same optimiser in batches of 128, and evaluate after
each epoch; neither's start-up counts. Darkroom's time holds everything from the files to the last epoch's figures.
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from components.errors import DataError
from pipeline import runtime
from tests.bench.bounded_process import ProcessFailedError, run_bounded
from tests.bench.fashion_png import write_fashion_png

if TYPE_CHECKING:
    import tensorflow as tf

    from components.training.request import TrainingRequest

ROOT = Path(__file__).parents[2]
EXPERIMENT = Path(__file__).with_name("fashion_png.yaml")
_LONGEST = 1800.0
_BATCH_SIZE = 128
_PLAIN, _DARKROOM = "plain Keras", "Darkroom"


def prepare(directory: Path, num_images: int, epochs: int) -> TrainingRequest:
    """Writes the images, runs the stages before the training over them, and asks for the training."""
    from components.image_example_gen.report import REPORT_NAME, IngestionReport
    from components.training.request import TrainingRequest
    from schemas.loading import load_experiment

    data, workspace = directory / "data", directory / "workspace"
    data.mkdir()
    write_fashion_png(data, num_images)
    command = [sys.executable, "local_runner.py", "run", str(EXPERIMENT), "--workspace", str(workspace)]
    command += ["--set", f"data.source={data}", "--set", "training.steps_per_epoch=1"]
    # One step makes no model that is good enough to push; what counts are the stages before it.
    command += ["--set", "evaluation.thresholds.accuracy.min=0"]
    run_bounded(command, ROOT, os.environ, directory / "out", directory / "log", _LONGEST)
    artifacts = workspace / "fashion_png" / "artifacts"
    [examples] = (artifacts / "ImageExampleGen" / "examples").iterdir()
    [transform] = (artifacts / "Transform" / "transform_graph").iterdir()
    experiment = load_experiment(str(EXPERIMENT), (f"data.source={data}", f"training.epochs={epochs}"))
    report = IngestionReport.from_json((examples / REPORT_NAME).read_text())
    return TrainingRequest(
        train_files=(str(examples / "Split-train" / "*"),),
        eval_files=(str(examples / "Split-eval" / "*"),),
        transform_directory=str(transform),
        num_train=report.num_examples["train"],
        num_eval=report.num_examples["eval"],
        labels=tuple(report.labels(experiment.data.labels)),
        preprocessing=experiment.resolved_preprocessing(),
        model=experiment.model,
        augmentation=experiment.augmentation,
        training=experiment.training,
    )


def train_plainly(data: Path, epochs: int) -> None:
    """What a script without any pipeline would do."""
    import keras
    import tensorflow as tf

    def images(pattern: str) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(tf.io.gfile.glob(pattern), "GZIP").map(_parsed, tf.data.AUTOTUNE)

    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 90.0, -73.0 / 90.0),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
    network.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["sparse_categorical_accuracy"]
    )
    training = images(f"{data}/train/*").shuffle(10_000).batch(_BATCH_SIZE, drop_remainder=True).prefetch(2)
    network.fit(training, epochs=epochs, validation_data=images(f"{data}/eval/*").batch(512), verbose=0)


def _parsed(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    import tensorflow as tf

    spec = {"image": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    features = tf.io.parse_single_example(serialized, spec)
    return tf.io.decode_png(features["image"], channels=1), features["label"]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@click.command()
@click.option("--images", "num_images", default=60_000, show_default=True)
@click.option("--epochs", default=2, show_default=True)
@click.option("--rounds", default=2, show_default=True, help="Trainings of each, in turn.")
def main(num_images: int, epochs: int, rounds: int) -> None:
    """Prints a table and a JSON line; exits with 1 where Darkroom takes longer."""
    runtime.configure()
    from components.training.fitting import fit

    times: dict[str, list[float]] = {_PLAIN: [], _DARKROOM: []}
    with tempfile.TemporaryDirectory() as scratch:
        try:
            request = prepare(Path(scratch), num_images, epochs)
        except (DataError, ProcessFailedError) as error:
            sys.exit(str(error))
        contenders: dict[str, Callable[[], object]] = {
            _PLAIN: functools.partial(train_plainly, Path(scratch, "data"), epochs),
            _DARKROOM: lambda: fit(request),
        }
        for turn in range(rounds):
            # Whoever goes first pays for what TensorFlow sets up once.
            for name in (_PLAIN, _DARKROOM) if turn % 2 else (_DARKROOM, _PLAIN):
                times[name].append(_seconds(contenders[name]))
    table = Table("", "seconds per epoch", "of each round", box=None)
    each = {name: [seconds / epochs for seconds in values] for name, values in times.items()}
    for name, values in each.items():
        table.add_row(name, f"{statistics.mean(values):.2f}", ", ".join(f"{value:.2f}" for value in values))
    Console().print(table)
    ratio = statistics.mean(each[_DARKROOM]) / statistics.mean(each[_PLAIN])
    print(json.dumps({"seconds_per_epoch": each, "ratio": round(ratio, 3)}))
    sys.exit(0 if ratio <= 1.0 else 1)


if __name__ == "__main__":
    main()
