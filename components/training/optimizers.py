"""The table of optimisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from schemas.training import WITH_MOMENTUM, WITH_NESTEROV, OptimizerName, Training

_OPTIMIZERS: dict[OptimizerName, Callable[..., keras.optimizers.Optimizer]] = {
    "sgd": keras.optimizers.SGD,
    "adadelta": keras.optimizers.Adadelta,
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
    "amsgrad": lambda **arguments: keras.optimizers.Adam(amsgrad=True, **arguments),
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "adamw": keras.optimizers.AdamW,
}


def make_optimizer(training: Training, rate: float) -> keras.optimizers.Optimizer:
    """Makes the optimiser that an experiment asks for.

    Args:
      training: the experiment's section.
      rate: its learning rate to begin with; the training loop sets that of each step.
    """
    arguments: dict[str, Any] = {"learning_rate": rate}
    if training.optimizer in WITH_MOMENTUM:
        arguments["momentum"] = training.momentum
    if training.optimizer in WITH_NESTEROV:
        arguments["nesterov"] = training.nesterov
    if training.decay is not None:
        arguments["weight_decay"] = training.decay
    if training.clip_norm is not None:
        arguments["global_clipnorm"] = training.clip_norm
    if training.clip_value is not None:
        arguments["clipvalue"] = training.clip_value
    optimizer = _OPTIMIZERS[training.optimizer](**arguments)
    return keras.optimizers.LossScaleOptimizer(optimizer) if training.precision == "mixed_float16" else optimizer
