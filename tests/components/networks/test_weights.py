from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from components.errors import TrainingError
from components.networks.groups import groups_of
from components.networks.network import base_of, build_network
from components.networks.weights import load_base, load_network, save_native
from schemas.model import Model
from schemas.preprocessing import Preprocessing

NORMALIZED = {"filters": (4, 5), "dense": (7,), "batch_normalization": True}
# Isolated and elsewhere: none of this project's code is there.
PLAIN = """
import importlib.util, json, sys
import numpy as np, keras

directory = sys.argv[1]
network = keras.saving.load_model(directory + "/model.keras")
images = np.load(directory + "/images.npy")
rebuilt = keras.models.model_from_json(open(directory + "/architecture.json", encoding="utf-8").read())
rebuilt.get_layer("base").load_weights(directory + "/base.weights.h5")
features = [np.asarray(model.get_layer("base")(images)) for model in (network, rebuilt)]
print(json.dumps({
    "found": [name for name in ("components", "schemas") if importlib.util.find_spec(name)],
    "logits": np.asarray(network(images)).tolist(),
    "compiled": network.compiled,
    "iterations": int(network.optimizer.iterations) if network.compiled else 0,
    "same_base": bool(np.array_equal(*features)),
}))
"""


def build(num_classes: int = 3, size: int = 12, precision: str = "float32", **values: Any) -> keras.Model:
    """A network whose weights, moving statistics included, follow from the number of classes."""
    keras.utils.set_random_seed(num_classes)
    model = Model.model_validate({**NORMALIZED, **values})
    network = build_network(model, Preprocessing(height=size, width=size, channels=3), num_classes, precision)
    random = np.random.default_rng(num_classes)
    for weight in network.weights:
        if len(weight.shape) == 1:
            weight.assign(random.uniform(0.5, 1, weight.shape))
    return network


def same(network: keras.Model, other: keras.Model) -> list[bool]:
    pairs = zip(network.weights, other.weights, strict=True)
    return [np.array_equal(weight, other_weight) for weight, other_weight in pairs]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """What is kept of a network of three classes."""
    save_native(build(), str(tmp_path / "native"))
    return tmp_path / "native"


def test_three_files_are_kept(saved: Path) -> None:
    """The whole network, its architecture as JSON, and the base's weights alone."""
    assert sorted(path.name for path in saved.iterdir()) == ["architecture.json", "base.weights.h5", "model.keras"]
    architecture = json.loads((saved / "architecture.json").read_text(encoding="utf-8"))
    assert [layer["config"]["name"] for layer in architecture["config"]["layers"]][:2] == ["image", "base"]


@pytest.mark.parametrize(
    ("values", "precision", "is_trained"),
    [
        ({"backbone": "small_resnet", "activation": "leaky_relu", "l2": 0.01}, "mixed_bfloat16", True),
        ({"backbone": "efficientnet_b0"}, "float32", False),
        ({"backbone": "convnext_tiny"}, "float32", False),
    ],
)
def test_keras_alone_reads_what_is_kept(
    values: dict[str, Any], precision: str, is_trained: bool, tmp_path: Path
) -> None:
    """A process without our code loads the network, with its optimiser, and rebuilds the base from the other files."""
    network = build(size=32, precision=precision, **values)
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    if is_trained:
        network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
        network.fit(images, np.arange(4) % 3, batch_size=2, verbose=0)
    save_native(network, str(tmp_path))
    np.save(tmp_path / "images.npy", images)
    command = [sys.executable, "-I", "-c", PLAIN, str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    told = json.loads(result.stdout.splitlines()[-1])
    assert np.isfinite(told["logits"]).all()
    assert np.std(told["logits"]) > 0
    np.testing.assert_allclose(told["logits"], network(images), rtol=1e-3, atol=1e-3)
    assert told["found"] == []
    assert (told["compiled"], told["iterations"]) == (is_trained, 2 * is_trained)
    assert told["same_base"]


@pytest.mark.parametrize("name", ["base.weights.h5", "model.keras"])
def test_a_base_takes_the_weights_of_a_file(name: str, saved: Path) -> None:
    """Of the base's file, and of the whole network's with other classes, the base has the weights, the head its own."""
    network, kept = build(num_classes=5), build()
    assert not any(same(base_of(network), base_of(kept)))
    head = [np.array(weight) for layer in network.layers[2:] for weight in layer.weights]
    load_base(base_of(network), str(saved / name))
    assert all(same(base_of(network), base_of(kept)))
    for value, weight in zip(head, (w for layer in network.layers[2:] for w in layer.weights), strict=True):
        np.testing.assert_array_equal(value, weight)


def test_a_base_takes_the_weights_of_a_base_alone(tmp_path: Path) -> None:
    """A `.keras` file of a base without a head serves as well."""
    base_of(build()).save(tmp_path / "base.keras")
    network = build(num_classes=5)
    load_base(base_of(network), str(tmp_path / "base.keras"))
    assert all(same(base_of(network), base_of(build())))


@pytest.mark.parametrize("name", ["base.weights.h5", "model.keras"])
def test_weights_fit_another_size_of_image(name: str, saved: Path) -> None:
    """A base is the same for images of another size."""
    network = build(num_classes=5, size=20)
    load_base(base_of(network), str(saved / name))
    assert all(same(base_of(network), base_of(build())))


@pytest.mark.parametrize("name", ["base.weights.h5", "model.keras"])
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"filters": (4, 6)}, r"block2_conv1\S* has the shape \(.*5,?\), where \(.*6,?\) was expected"),
        ({"filters": (4,)}, r"it has 10 arrays, where 5 were expected"),
        ({"filters": (4, 5, 6)}, r"it has 10 arrays, where 15 were expected"),
        ({"batch_normalization": False}, r"it has 10 arrays, where 4 were expected"),
        ({"backbone": "small_resnet"}, r"it has 10 arrays, where 26 were expected"),
    ],
)
def test_weights_of_another_architecture_are_refused(name: str, values: dict[str, Any], told: str, saved: Path) -> None:
    """The error names the first array that differs with both shapes, or both numbers of arrays, and what to do."""
    network = build(**values)
    with pytest.raises(TrainingError, match=told) as error:
        load_base(base_of(network), str(saved / name))
    assert str(saved / name) in str(error.value)
    assert "state the section model as they were trained with, or take other weights" in str(error.value)


def test_a_deeper_network_is_not_cut_off(tmp_path: Path) -> None:
    """Of weights that a larger base holds too, the first are not taken for all: VGG's from a VGG with a block more."""
    deep, flat = build(depth=2, filters=(4,)), build(filters=(4,))
    save_native(deep, str(tmp_path))
    for name in ("base.weights.h5", "model.keras"):
        with pytest.raises(TrainingError, match=r"it has 10 arrays, where 5 were expected"):
            load_base(base_of(flat), str(tmp_path / name))


@pytest.mark.parametrize("name", ["gone.weights.h5", "gone.keras"])
def test_a_missing_file_is_told(name: str, tmp_path: Path) -> None:
    """The error gives the path."""
    with pytest.raises(TrainingError, match=rf"there is no file {tmp_path}/{name} to take weights from"):
        load_base(base_of(build()), str(tmp_path / name))


@pytest.mark.parametrize("name", ["model.h5", "saved_model", "weights.keras.zip"])
def test_another_kind_of_file_is_refused(name: str, saved: Path) -> None:
    """The error names the two endings that can be read."""
    with pytest.raises(TrainingError, match=r"must end in \.weights\.h5 \(the base alone\) or \.keras \(the whole"):
        load_base(base_of(build()), str(saved / name))
    with pytest.raises(TrainingError, match=r"must end in \.keras"):
        load_network(build(), str(saved / name))


@pytest.mark.parametrize("name", ["base.weights.h5", "model.keras"])
def test_a_damaged_file_is_told(name: str, saved: Path) -> None:
    """A file that breaks off, or was never one of Keras's, is called that in one line."""
    content = (saved / name).read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no weights at all"):
        (saved / name).write_bytes(damaged)
        with pytest.raises(TrainingError, match=rf"^{saved}/{name} cannot be read as [^\n]+$"):
            load_base(base_of(build()), str(saved / name))


def test_a_network_with_foreign_layers_is_told(tmp_path: Path, saved: Path) -> None:
    """Where a network has a layer that Keras does not know, the error says which."""
    with zipfile.ZipFile(saved / "model.keras") as known, zipfile.ZipFile(tmp_path / "odd.keras", "w") as odd:
        for name in known.namelist():
            odd.writestr(name, known.read(name).replace(b'"class_name": "Dropout"', b'"class_name": "Fallout"'))
    with pytest.raises(TrainingError, match=r"odd\.keras cannot be read as a network of Keras: .*Fallout"):
        load_base(base_of(build()), str(tmp_path / "odd.keras"))


def test_a_network_starts_from_another_of_its_kind(saved: Path) -> None:
    """With the same architecture and number of classes all weights are taken, and it says so."""
    network = build()
    for weight in network.weights:
        weight.assign(np.zeros(weight.shape))
    assert load_network(network, str(saved / "model.keras")) is True
    assert all(same(network, build()))


@pytest.mark.parametrize("num_classes", [2, 5])
def test_other_classes_keep_the_last_layer(num_classes: int, saved: Path) -> None:
    """Where only the number of classes differs, base and hidden layers are taken, and it says that the last is not."""
    network = build(num_classes)
    own = [np.array(weight) for weight in network.get_layer("logits").weights]
    assert load_network(network, str(saved / "model.keras")) is False
    assert same_inner(network, build()) == [True] * (len(network.weights) - 2)
    for value, weight in zip(own, network.get_layer("logits").weights, strict=True):
        np.testing.assert_array_equal(value, weight)


def same_inner(network: keras.Model, other: keras.Model) -> list[bool]:
    pairs = zip(network.weights[:-2], other.weights[:-2], strict=True)
    return [np.array_equal(weight, other_weight) for weight, other_weight in pairs]


@pytest.mark.parametrize(
    ("values", "num_classes", "told"),
    [
        ({"dense": (8,)}, 3, r"dense_1/kernel has the shape \(45, 7\), where \(45, 8\) was expected"),
        ({"dense": ()}, 5, r"it has 14 arrays, where 12 were expected"),
        (
            {"filters": (4, 6)},
            5,
            r"block2_conv1/kernel has the shape \(3, 3, 4, 5\), where \(3, 3, 4, 6\) was expected",
        ),
        ({"pooling": "average"}, 3, r"dense_1/kernel has the shape \(45, 7\), where \(5, 7\) was expected"),
    ],
)
def test_a_network_of_another_kind_is_refused(values: dict[str, Any], num_classes: int, told: str, saved: Path) -> None:
    """Where more than the number of classes differs, the error says what, and no weight is changed."""
    network = build(num_classes, **values)
    with pytest.raises(TrainingError, match=told):
        load_network(network, str(saved / "model.keras"))
    assert all(same(network, build(num_classes, **values)))


def test_features_of_another_number_are_refused_where_there_is_no_hidden_layer(tmp_path: Path) -> None:
    """Without hidden layers, the last one's inputs must fit, too."""
    save_native(build(dense=()), str(tmp_path))
    assert load_network(build(5, dense=()), str(tmp_path / "model.keras")) is False
    with pytest.raises(TrainingError, match=r"logits/kernel has the shape \(45, 3\), where \(5, 5\) was expected"):
        load_network(build(5, dense=(), pooling="average"), str(tmp_path / "model.keras"))


def test_weights_from_32_bits_start_a_training_in_16(saved: Path) -> None:
    """The precision of the training that left them does not matter."""
    network = build(precision="mixed_bfloat16")
    assert load_network(network, str(saved / "model.keras")) is True


def test_a_frozen_base_takes_weights(saved: Path) -> None:
    """What is frozen can be loaded, with the moving statistics in their places."""
    network = build(num_classes=5)
    base_of(network).trainable = False
    for name in ("base.weights.h5", "model.keras"):
        for weight in base_of(network).weights:
            weight.assign(np.zeros(weight.shape))
        load_base(base_of(network), str(saved / name))
        assert all(same(base_of(network), base_of(build())))
    assert not any(layer.trainable_variables for group in groups_of(base_of(network)) for layer in group)
