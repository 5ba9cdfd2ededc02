from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from components.errors import TrainingError
from components.networks.network import base_of, build_network
from schemas.model import Model
from schemas.preprocessing import Preprocessing

PREPROCESSING = Preprocessing(height=12, width=10, channels=3)
IMAGES = np.random.default_rng(0).normal(size=(3, 12, 10, 3)).astype(np.float32)


def layers(network: keras.Model, kind: type) -> list[keras.layers.Layer]:
    """Layers of a kind, of the base first."""
    return [layer for layer in (*base_of(network).layers, *network.layers) if isinstance(layer, kind)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dense", [(), (7,), (9, 8)])
def test_images_become_logits(dense: tuple[int, ...], channels: int) -> None:
    """From the model's input to one float32 logit per class, not yet probabilities."""
    preprocessing = Preprocessing(height=12, width=10, channels=1 if channels == 1 else 3)
    network = build_network(Model(filters=(4, 5), dense=dense), preprocessing, num_classes=6)
    assert network.input_shape == (None, 12, 10, channels)
    assert network.output_shape == (None, 6)
    logits = np.asarray(network(IMAGES[..., :channels]))
    assert logits.dtype == np.float32
    assert not np.allclose(logits.sum(axis=-1), 1)
    assert [layer.units for layer in layers(network, keras.layers.Dense)] == [*dense, 6]
    assert network.layers[-1].activation is keras.activations.linear


def test_the_base_is_a_model_inside() -> None:
    """The backbone's layers are in a model of their own; a network without one is not ours."""
    network = build_network(Model(filters=(4, 5)), PREPROCESSING, 3)
    assert base_of(network) is network.get_layer("base")
    assert base_of(network).output_shape == (None, 3, 2, 5)
    with pytest.raises(ValueError, match="No such layer: base"):
        base_of(base_of(network))


@pytest.mark.parametrize("dense", [(), (7,), (9, 8)])
def test_dropout_stands_before_each_dense_layer(dense: tuple[int, ...]) -> None:
    """There is one dropout for each hidden dense layer, and one where there is none; it works in training alone."""
    keras.utils.set_random_seed(1)
    network = build_network(Model(filters=(4,), dense=dense, dropout=0.4), PREPROCESSING, 3)
    dropouts = layers(network, keras.layers.Dropout)
    assert [layer.rate for layer in dropouts] == [0.4] * max(1, len(dense))
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds[kinds.index("Flatten") + 1] == "Dropout"
    images = np.ones((1, 12, 10, 3), np.float32)
    for training in (False, True):
        outcomes = {np.asarray(network(images, training=training)).tobytes() for _ in range(8)}
        # Dropping all of a small layer gives the same more than once.
        assert (len(outcomes) > 1) == training


@pytest.mark.parametrize(
    ("backbone", "pooling", "kind"),
    [
        ("small_cnn", "auto", "Flatten"),
        ("small_resnet", "auto", "GlobalAveragePooling2D"),
        ("small_cnn", "average", "GlobalAveragePooling2D"),
        ("small_cnn", "max", "GlobalMaxPooling2D"),
        ("small_resnet", "flatten", "Flatten"),
    ],
)
def test_features_become_a_vector_as_asked(backbone: str, pooling: str, kind: str) -> None:
    """Behind the base stands the pooling that is named; by itself small_cnn flattens and all others average."""
    network = build_network(Model.model_validate({"backbone": backbone, "pooling": pooling}), PREPROCESSING, 3)
    names = [layer.name for layer in network.layers]
    assert type(network.layers[names.index("base") + 1]).__name__ == kind


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


@pytest.mark.parametrize("backbone", ["small_cnn", "small_resnet"])
def test_l2_bears_on_every_kernel(backbone: str) -> None:
    """The losses of a network sum up to the weighted squares of all its kernels, and of nothing else."""
    network = build_network(Model(backbone=backbone, dense=(7,), l2=0.01), PREPROCESSING, 3)
    kernels = [np.asarray(weight) for weight in network.weights if weight.name == "kernel"]
    assert float(sum(network.losses)) == pytest.approx(
        0.01 * sum(np.square(kernel).sum() for kernel in kernels), rel=1e-4
    )
    assert build_network(Model(backbone=backbone, dense=(7,)), PREPROCESSING, 3).losses == []


def test_gray_images_are_repeated_for_an_application() -> None:
    """A network of keras.applications sees a gray image as the colour image of three equal channels."""
    model = Model(backbone="mobilenet", dense=())
    gray = build_network(model, Preprocessing(height=32, width=33, channels=1), 4)
    colour = build_network(model, Preprocessing(height=32, width=33, channels=3), 4)
    assert gray.input_shape == (None, 32, 33, 1)
    colour.set_weights(gray.get_weights())
    images = np.random.default_rng(0).normal(size=(2, 32, 33, 1)).astype(np.float32)
    np.testing.assert_array_equal(gray(images), colour(np.repeat(images, 3, axis=-1)))


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("values", [{}, {"backbone": "small_resnet", "depth": 2}, {"backbone": "convnext_tiny"}])
def test_mixed_precision_computes_in_16_bits(values: dict[str, Any], precision: str) -> None:
    """All layers but the last compute in 16 bits; weights and logits have 32, and Keras's own policy is as before."""
    size = 32 if values.get("backbone") == "convnext_tiny" else 12
    preprocessing = Preprocessing(height=size, width=size, channels=3)
    network = build_network(Model.model_validate(values), preprocessing, 3, precision)
    assert keras.config.dtype_policy().name == "float32"
    computing = [*base_of(network).layers[1:], *network.layers[2:-1]]
    assert {layer.compute_dtype for layer in computing} == {precision.removeprefix("mixed_")}
    assert {weight.dtype for weight in network.weights} == {"float32"}
    logits = network(np.ones((2, size, size, 3), np.float32))
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


def test_weights_of_mixed_precision_serve_in_32_bits() -> None:
    """A network in 32 bits takes the weights of one in 16, and gives nearly the same."""
    model = Model(backbone="small_resnet", filters=(4, 5))
    mixed = build_network(model, PREPROCESSING, 3, "mixed_bfloat16")
    full = build_network(model, PREPROCESSING, 3)
    full.set_weights(mixed.get_weights())
    np.testing.assert_allclose(mixed(IMAGES), full(IMAGES), atol=0.05)
    assert not np.array_equal(mixed(IMAGES), full(IMAGES))


def test_a_failure_leaves_no_policy_behind() -> None:
    """Where the images are too small, Keras's own policy is as before, too."""
    with pytest.raises(TrainingError, match="too small"):
        build_network(Model(filters=(2,) * 9), PREPROCESSING, 3, "mixed_float16")
    assert keras.config.dtype_policy().name == "float32"


def test_networks_of_one_experiment_are_alike() -> None:
    """Two networks of one experiment have weights of the same names and shapes, in the same order."""
    model = Model(backbone="small_resnet", dense=(5, 6))
    first, second = ([(w.path, w.shape) for w in build_network(model, PREPROCESSING, 3).weights] for _ in range(2))
    assert first == second
