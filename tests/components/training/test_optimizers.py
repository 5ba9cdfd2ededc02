from __future__ import annotations

from typing import Any, get_args

import pytest
import tensorflow as tf

from components.training.optimizers import make_optimizer
from schemas.training import OptimizerName, Training


def training(**values: Any) -> Training:
    return Training.model_validate(values)


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_every_name_makes_its_optimiser(name: OptimizerName) -> None:
    """Each name that an experiment may state makes an optimiser of that kind, which moves a weight down its slope."""
    optimizer = make_optimizer(training(optimizer=name), 0.5)
    assert type(optimizer).__name__.lower() == {"amsgrad": "adam"}.get(name, name)
    assert float(optimizer.learning_rate) == pytest.approx(0.5)
    weight = tf.Variable([3.0])
    optimizer.build([weight])
    optimizer.apply([tf.constant([1.0])], [weight])
    assert weight.numpy()[0] < 3.0


def test_amsgrad_is_adam_with_the_larger_moment() -> None:
    """amsgrad differs from adam by the one flag."""
    assert make_optimizer(training(optimizer="amsgrad"), 0.1).get_config()["amsgrad"]
    assert not make_optimizer(training(optimizer="adam"), 0.1).get_config()["amsgrad"]


def test_momentum_goes_where_it_is_known() -> None:
    """sgd takes momentum in Nesterov's form, rmsprop momentum alone, adam none."""
    sgd = make_optimizer(training(optimizer="sgd", momentum=0.9, nesterov=True), 0.1).get_config()
    assert (sgd["momentum"], sgd["nesterov"]) == (0.9, True)
    assert make_optimizer(training(optimizer="rmsprop", momentum=0.9), 0.1).get_config()["momentum"] == 0.9
    assert "momentum" not in make_optimizer(training(optimizer="adam", momentum=0.9), 0.1).get_config()


def test_weight_decay_is_adamws_by_default() -> None:
    """adamw decays weights unless told how much, all others only when told."""
    assert make_optimizer(training(optimizer="adamw"), 0.1).get_config()["weight_decay"] == 0.004
    assert make_optimizer(training(optimizer="adamw", weight_decay=0.1), 0.1).get_config()["weight_decay"] == 0.1
    assert make_optimizer(training(optimizer="adam"), 0.1).get_config()["weight_decay"] is None
    assert make_optimizer(training(optimizer="sgd", weight_decay=0.1), 0.1).get_config()["weight_decay"] == 0.1


@pytest.mark.parametrize(
    ("values", "moved"),
    [({}, 30.0), ({"clip_norm": 5.0}, 3.0), ({"clip_value": 1.0}, 1.0)],
    ids=["unclipped", "norm", "value"],
)
def test_gradients_are_clipped(values: dict[str, float], moved: float) -> None:
    """clip_norm bounds all gradients together, clip_value each by itself."""
    optimizer = make_optimizer(training(optimizer="sgd", **values), 1.0)
    weights = [tf.Variable([0.0]), tf.Variable([0.0])]
    optimizer.build(weights)
    optimizer.apply([tf.constant([30.0]), tf.constant([40.0])], weights)
    assert -weights[0].numpy()[0] == pytest.approx(moved)


def test_half_precision_scales_its_loss() -> None:
    """With mixed_float16 the loss is scaled up, so that small gradients survive; with others it is not."""
    assert float(make_optimizer(training(precision="mixed_float16"), 0.1).scale_loss(tf.constant(1.0))) > 1.0
    assert float(make_optimizer(training(precision="mixed_bfloat16"), 0.1).scale_loss(tf.constant(1.0))) == 1.0
