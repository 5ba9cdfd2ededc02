"""Trains a network under a strategy."""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
import tensorflow as tf

from components.errors import TrainingError
from components.trainer.network import build_network
from schemas.model import Model
from schemas.preprocessing import Preprocessing
from schemas.training import Training

History = dict[str, list[float]]

_OPTIMIZERS = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}


class Batched(NamedTuple):
    """The feeds of one training."""

    training: tf.data.Dataset
    evaluation: tf.data.Dataset
    steps_per_epoch: int


def fit(
    strategy: tf.distribute.Strategy,
    model: Model,
    preprocessing: Preprocessing,
    training: Training,
    batched: Batched,
    num_classes: int,
    log_directory: str,
) -> tuple[keras.Model, History]:
    """Builds, compiles and trains the network; early stopping gives back the best epoch's weights.

    Args:
      strategy: the network is built and replicated in its scope.
      model: the experiment's section.
      preprocessing: the experiment's section.
      training: the experiment's section.
      batched: what to train and to evaluate on.
      num_classes: number of logits.
      log_directory: for TensorBoard.

    Returns:
      The trained network, and its figures, a list with a value per epoch for each.

    Raises:
      TrainingError: the loss is no finite number.
    """
    keras.utils.set_random_seed(training.seed)
    with strategy.scope():
        network = build_network(model, preprocessing, num_classes)
        network.compile(
            optimizer=_OPTIMIZERS[training.optimizer](learning_rate=training.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
            # XLA's convolutions on a CPU take four times as long.
            jit_compile=False,
        )
    history = network.fit(
        batched.training,
        epochs=training.epochs,
        steps_per_epoch=batched.steps_per_epoch,
        validation_data=batched.evaluation,
        callbacks=_callbacks(training, log_directory),
        verbose=2,
    ).history
    _refuse_divergence(history, training)
    return network, {name: [float(value) for value in values] for name, values in history.items()}


def _callbacks(training: Training, log_directory: str) -> list[keras.callbacks.Callback]:
    callbacks = [keras.callbacks.TerminateOnNaN(), keras.callbacks.TensorBoard(log_directory, write_graph=False)]
    if training.early_stopping:
        stopping = training.early_stopping
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor=stopping.monitor,
                mode="max" if stopping.monitor.endswith("accuracy") else "min",
                patience=stopping.patience,
                min_delta=stopping.min_delta,
                restore_best_weights=True,
            )
        )
    return callbacks


def _refuse_divergence(history: History, training: Training) -> None:
    # A last step that ruins the network shows in the eval split alone.
    for name in ("loss", "val_loss"):
        for epoch, loss in enumerate(history.get(name, []), start=1):
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the {name} became {loss} in epoch {epoch};"
                    f" lower training.learning_rate (now {training.learning_rate:g}),"
                    " and see that preprocessing.normalization is not 'none'"
                )
