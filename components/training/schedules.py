"""How the learning rate changes from step to step."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from schemas.training import Schedule

Rate = Callable[[tf.Tensor], tf.Tensor]
_Shape = Callable[[tf.Tensor, float, Schedule], tf.Tensor]


def _constant(epochs: tf.Tensor, total: float, schedule: Schedule) -> tf.Tensor:
    return tf.ones_like(epochs)


def _time(epochs: tf.Tensor, total: float, schedule: Schedule) -> tf.Tensor:
    return 1.0 / (1.0 + schedule.decay * epochs)


def _step(epochs: tf.Tensor, total: float, schedule: Schedule) -> tf.Tensor:
    # A step may end an epoch by a hair too early in float32.
    return schedule.factor ** tf.floor(epochs / schedule.every + 1e-5)


def _exponential(epochs: tf.Tensor, total: float, schedule: Schedule) -> tf.Tensor:
    return schedule.factor ** (epochs / schedule.every)


def _cosine(epochs: tf.Tensor, total: float, schedule: Schedule) -> tf.Tensor:
    """Loshchilov and Hutter 2017 ("SGDR"), without restarts."""
    share = tf.minimum(epochs / max(total, 1e-9), 1.0)
    return schedule.final + (1.0 - schedule.final) * 0.5 * (1.0 + tf.cos(3.141592653589793 * share))


_SHAPES: dict[str, _Shape] = {
    "constant": _constant,
    "time": _time,
    "step": _step,
    "exponential": _exponential,
    "cosine": _cosine,
}


def rate_of_steps(schedule: Schedule, rate: float, steps_per_epoch: int, num_epochs: int) -> Rate:
    """The learning rate as a function of the step.

    Args:
      schedule: the experiment's section.
      rate: the learning rate that the schedule starts from.
      steps_per_epoch: steps that make an epoch.
      num_epochs: epochs that the schedule is for; cosine ends there.

    Returns:
      From steps so far, int64 scalar, to the rate of the next, float32 scalar.
    """
    shape = _SHAPES[schedule.kind]
    warm_up = schedule.warm_up_epochs

    def rate_at(step: tf.Tensor) -> tf.Tensor:
        epochs = tf.cast(step, tf.float32) / steps_per_epoch
        value = rate * shape(tf.maximum(epochs - warm_up, 0.0), num_epochs - warm_up, schedule)
        if warm_up:
            # The step to come counts, so that the first one moves at all.
            value *= tf.minimum((epochs + 1.0 / steps_per_epoch) / warm_up, 1.0)
        return value

    return rate_at
