from __future__ import annotations

from typing import get_args

import keras
import numpy as np
import pytest

from components.trainer.backbones import BACKBONES
from components.trainer.network import build_network
from schemas.model import Model
from schemas.preprocessing import Preprocessing

PREPROCESSING = Preprocessing(height=12, width=10, channels=3)


def layers(network: keras.Model, kind: type) -> list[keras.layers.Layer]:
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_every_backbone_of_the_experiment_is_in_the_table() -> None:
    """What an experiment may name can be built, and nothing else stands in the table."""
    assert set(BACKBONES) == set(get_args(Model.model_fields["backbone"].annotation))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dense", [(), (7,), (9, 8)])
def test_images_become_logits(dense: tuple[int, ...], channels: int) -> None:
    """From the model's input to one float32 logit per class, not yet probabilities."""
    preprocessing = Preprocessing(height=12, width=10, channels=1 if channels == 1 else 3)
    network = build_network(Model(filters=(4, 5), dense=dense), preprocessing, num_classes=6)
    assert network.input_shape == (None, 12, 10, channels)
    assert network.output_shape == (None, 6)
    images = np.random.default_rng(0).normal(size=(3, 12, 10, channels)).astype(np.float32)
    logits = np.asarray(network(images))
    assert logits.dtype == np.float32
    assert not np.allclose(logits.sum(axis=-1), 1)
    assert [layer.units for layer in layers(network, keras.layers.Dense)] == [*dense, 6]
    assert network.layers[-1].activation is keras.activations.linear


@pytest.mark.parametrize("dense", [(), (7,), (9, 8)])
def test_dropout_stands_before_each_dense_layer(dense: tuple[int, ...]) -> None:
    """There is one dropout for each hidden dense layer, and one where there is none; it works in training alone."""
    network = build_network(Model(filters=(4,), dense=dense, dropout=0.4), PREPROCESSING, 3)
    dropouts = layers(network, keras.layers.Dropout)
    assert [layer.rate for layer in dropouts] == [0.4] * max(1, len(dense))
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds[kinds.index("Flatten") + 1] == "Dropout"
    images = np.ones((1, 12, 10, 3), np.float32)
    for training, num_outcomes in ((False, 1), (True, 4)):
        outcomes = [np.asarray(network(images, training=training)).tobytes() for _ in range(4)]
        assert len(set(outcomes)) == num_outcomes


@pytest.mark.parametrize(
    ("activation", "initializer"), [("relu", "HeNormal"), ("silu", "HeNormal"), ("tanh", "GlorotUniform")]
)
def test_hidden_layers_have_the_activation_and_its_initializer(activation: str, initializer: str) -> None:
    """Convolutions and hidden dense layers are activated and initialised as the experiment says."""
    model = Model.model_validate({"activation": activation, "filters": (4, 5), "dense": (7,)})
    network = build_network(model, PREPROCESSING, 3)
    hidden = [*layers(network, keras.layers.Conv2D), *layers(network, keras.layers.Dense)[:-1]]
    assert len(hidden) == 3
    for layer in hidden:
        assert layer.activation is keras.activations.get(activation)
        assert type(layer.kernel_initializer).__name__ == initializer


def test_he_keeps_the_deviation_that_relu_needs() -> None:
    """The first weights of a ReLU layer have the deviation of He et al.: the root of 2 over the number of inputs."""
    keras.utils.set_random_seed(0)
    network = build_network(Model(filters=(64,), dense=(256,)), PREPROCESSING, 3)
    [convolution] = layers(network, keras.layers.Conv2D)
    dense = layers(network, keras.layers.Dense)[0]
    for layer in (convolution, dense):
        kernel = np.asarray(layer.kernel)
        assert kernel.std() == pytest.approx(np.sqrt(2 / np.prod(kernel.shape[:-1])), rel=0.05)
