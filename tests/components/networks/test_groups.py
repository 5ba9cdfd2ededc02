from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from components.networks.groups import groups_of
from components.networks.network import base_of, build_network
from schemas.model import Model
from schemas.preprocessing import Preprocessing
from tests.components.networks.bases import FAMILIES, base


def before(layer: keras.layers.Layer) -> set[str]:
    """Names of the layers and operations whose output one takes."""
    return {tensor._keras_history.operation.name for tensor in keras.tree.flatten(layer.input)}


def norms(network: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [layer for layer in base_of(network).layers if isinstance(layer, keras.layers.BatchNormalization)]


@pytest.fixture
def network() -> keras.Model:
    """A network whose base has three groups."""
    model = Model(backbone="small_resnet", filters=(4, 5, 6), dense=())
    return build_network(model, Preprocessing(height=16, width=16, channels=1), 3)


@pytest.mark.parametrize("name", FAMILIES)
def test_each_layer_with_weights_is_in_one_group(name: str) -> None:
    """There are at least three groups, and together they are the layers with weights, in their order."""
    groups = groups_of(base(name))
    assert len(groups) >= 3
    assert all(groups)
    grouped = [layer.name for group in groups for layer in group]
    assert grouped == [layer.name for layer in base(name).layers if layer.weights]
    assert len(grouped) == len(set(grouped))


@pytest.mark.parametrize("name", FAMILIES)
def test_groups_go_from_the_stem_to_the_top(name: str) -> None:
    """No layer takes what one of a later group gives, by however many layers between."""
    number = {layer.name: index for index, group in enumerate(groups_of(base(name))) for layer in group}
    latest: dict[str, int] = {}
    for layer in base(name).operations:
        inputs = set() if isinstance(layer, keras.layers.InputLayer) else before(layer)
        assert inputs <= set(latest)
        latest[layer.name] = max([number.get(layer.name, 0), *(latest[name] for name in inputs)])
        assert latest[layer.name] == number.get(layer.name, latest[layer.name])


@pytest.mark.parametrize("name", FAMILIES)
def test_the_ends_are_in_the_first_and_the_last_group(name: str) -> None:
    """The first group has the first convolution, the last group the last layer with weights."""
    groups = groups_of(base(name))
    with_weights = [layer for layer in base(name).layers if layer.weights]
    first = next(layer for layer in with_weights if any(len(weight.shape) == 4 for weight in layer.weights))
    assert first is groups[0][0]
    assert groups[-1][-1] is with_weights[-1]


def test_stages_are_groups() -> None:
    """VGG's five blocks, each of one size, are its five groups."""
    names = [[layer.name for layer in group] for group in groups_of(base("vgg16"))]
    assert names == [
        [f"block{block}_conv{index}" for index in range(1, num + 1)]
        for block, num in enumerate((2, 2, 3, 3, 3), start=1)
    ]


@pytest.mark.parametrize(
    ("name", "amid", "beside"),
    [
        ("efficientnet_b0", "block2b_se_reduce", "block2b_dwconv"),
        ("mobilenet_v3_small", "expanded_conv_3_squeeze_excite_conv", "expanded_conv_3_depthwise"),
    ],
)
def test_squeeze_and_excitation_stays_in_its_stage(name: str, amid: str, beside: str) -> None:
    """Layers that work on the mean of a map are in the group of that map."""
    [group] = [group for group in groups_of(base(name)) if amid in [layer.name for layer in group]]
    assert base(name).get_layer(amid).output.shape[1:3] == (1, 1)
    assert beside in [layer.name for layer in group]


def test_oblong_images_have_the_same_groups() -> None:
    """Height and width may differ."""
    model, shapes = Model(backbone="small_resnet", filters=(4, 5, 6)), ((16, 16, 1), (16, 60, 1), (9, 6, 1))
    sizes = [
        [
            len(group)
            for group in groups_of(base_of(build_network(model, Preprocessing(height=h, width=w, channels=1), 2)))
        ]
        for h, w, _ in shapes
    ]
    assert sizes == [sizes[0]] * 3


def freeze_all_but_last(network: keras.Model, num_groups: int) -> None:
    groups = groups_of(base_of(network))
    for index, group in enumerate(groups):
        for layer in group:
            layer.trainable = index >= len(groups) - num_groups


def moved(network: keras.Model) -> Iterator[bool]:
    """Whether a call in training mode changes the statistics of each batch norm of the base."""
    images = np.random.default_rng(0).normal(5, 2, (8, 16, 16, 1)).astype(np.float32)
    statistics = [np.array(layer.moving_mean) for layer in norms(network)]
    network(images, training=True)
    for layer, old in zip(norms(network), statistics, strict=True):
        yield not np.array_equal(old, layer.moving_mean)


def test_batch_norm_of_frozen_layers_stays_in_inference_mode(network: keras.Model) -> None:
    """In training, moving statistics move in the groups that learn, and in no other."""
    assert all(moved(network))
    last = {layer.name for layer in groups_of(base_of(network))[-1]}
    for num_groups, learning in ((0, set[str]()), (1, last)):
        freeze_all_but_last(network, num_groups)
        assert [*moved(network)] == [layer.name in learning for layer in norms(network)]


def test_a_frozen_base_gives_in_training_what_it_gives_in_inference(network: keras.Model) -> None:
    """While frozen, a base normalises by its moving statistics, not by the batch."""
    images = np.random.default_rng(0).normal(5, 2, (8, 16, 16, 1)).astype(np.float32)
    inner = base_of(network)
    freeze_all_but_last(network, 0)
    np.testing.assert_array_equal(inner(images, training=True), inner(images, training=False))
    freeze_all_but_last(network, 3)
    assert not np.allclose(inner(images, training=True), inner(images, training=False))


def test_a_fit_leaves_a_frozen_base_as_it_was(network: keras.Model) -> None:
    """After steps of training with a frozen base every weight of it is the same, and the head's are not."""
    freeze_all_but_last(network, 0)
    old = [np.array(weight) for weight in network.weights]
    network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    images = np.random.default_rng(0).normal(5, 2, (16, 16, 16, 1)).astype(np.float32)
    network.fit(images, np.arange(16) % 3, batch_size=8, verbose=0)
    num_of_base = len(base_of(network).weights)
    same = [np.array_equal(value, weight) for value, weight in zip(old, network.weights, strict=True)]
    assert all(same[:num_of_base])
    assert not any(same[num_of_base:])
