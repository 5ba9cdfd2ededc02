"""The Trainer's entry: reads what TFX hands over, trains, exports."""

from __future__ import annotations

import json
import os
import posixpath

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer import fn_args_utils
from tfx.dsl.io import fileio

from components.errors import DataError
from components.image_example_gen.report import REPORT_NAME, IngestionReport
from components.trainer.export import Servable, export
from components.trainer.feed import Feed, keeps_in_memory
from components.trainer.fitting import Batched, fit
from components.trainer.network import build_network
from components.trainer.strategy import mirrored_strategy
from schemas.model import Model
from schemas.preprocessing import Preprocessing
from schemas.training import Training

HISTORY_NAME = "history.json"


def run_fn(arguments: fn_args_utils.FnArgs) -> None:
    """The Trainer stage's function.

    Raises:
      DataError: the examples were not made by ImageExampleGen.
      TrainingError: the training went wrong.
    """
    config = arguments.custom_config
    model = Model.model_validate_json(config["model"])
    preprocessing = Preprocessing.model_validate_json(config["preprocessing"])
    training = Training.model_validate_json(config["training"])
    report = _ingestion_report(arguments.train_files[0])
    labels = report.labels(config["labels"])
    transform = tft.TFTransformOutput(arguments.transform_output)

    # Before the feeds are made: their order follows from this seed, too.
    keras.utils.set_random_seed(training.seed)
    network, history = fit(
        mirrored_strategy(),
        model,
        preprocessing,
        training,
        _batched(arguments, transform, preprocessing, training, report),
        len(labels),
        arguments.model_run_dir,
    )
    with fileio.open(os.path.join(arguments.model_run_dir, HISTORY_NAME), "w") as file:
        file.write(json.dumps(history))

    # A network outside the strategy has plain variables, as a model server wants them.
    plain = build_network(model, preprocessing, len(labels))
    plain.set_weights(network.get_weights())
    export(Servable(plain, transform, labels), arguments.serving_model_dir, labels, config["experiment"])
    tf.keras.backend.clear_session()


def _batched(
    arguments: fn_args_utils.FnArgs,
    transform: tft.TFTransformOutput,
    preprocessing: Preprocessing,
    training: Training,
    report: IngestionReport,
) -> Batched:
    num_train, num_eval = report.num_examples["train"], report.num_examples["eval"]
    shape = (preprocessing.height, preprocessing.width, preprocessing.channels)
    is_kept = keeps_in_memory(training.feeder, num_train + num_eval, shape)
    batch_size = min(training.batch_size, num_train)
    feed = Feed(arguments.train_files, transform, batch_size, num_train if is_kept else None)
    return Batched(
        feed.training(training.shuffle_buffer, training.seed),
        Feed(arguments.eval_files, transform, batch_size, num_eval if is_kept else None).once(),
        training.steps_per_epoch or num_train // batch_size,
    )


def _ingestion_report(train_pattern: str) -> IngestionReport:
    examples_uri = posixpath.dirname(posixpath.dirname(train_pattern))
    path = posixpath.join(examples_uri, REPORT_NAME)
    if not fileio.exists(path):
        raise DataError(f"{path} is missing: the examples were not made by ImageExampleGen")
    with fileio.open(path) as file:
        return IngestionReport.from_json(file.read())
