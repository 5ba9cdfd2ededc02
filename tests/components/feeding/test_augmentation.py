from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from components.errors import TrainingError
from components.feeding.augmentation import Augmenter
from schemas.augmentation import Augmentation
from tests.components.images import noise, smooth

ROOT = Path(__file__).parents[3]
NUM_CLASSES = 5
EVERYTHING = {
    "flip": "both",
    "rotation": 30,
    "zoom": 0.3,
    "translation": 0.2,
    "crop": 0.3,
    "brightness": 0.4,
    "contrast": 0.5,
    "mixup": 0.4,
    "cutmix": 1,
}
ALONE: list[dict[str, Any]] = [{name: value} for name, value in EVERYTHING.items()]
VARYING = [one for one in ALONE if not {"mixup", "cutmix"} & one.keys()]

# Two replicas, each of a CPU of its own; a process can divide its CPU only before it uses it.
TWO_REPLICAS = """
import json
import tensorflow as tf
from components.feeding.augmentation import Augmenter
from schemas.augmentation import Augmentation

[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
pixels, labels = tf.random.stateless_uniform([6, 8, 8, 3], [1, 2], 0, 255), tf.constant([0, 1, 2, 3, 4, 0], tf.int64)
with strategy.scope():
    augmenter = Augmenter(Augmentation.model_validate_json(%r), 5, seed=1)

@tf.function
def augment():
    return strategy.run(lambda: augmenter(pixels, labels))

told = []
for _ in range(2):
    varied, targets = augment()
    told.append([local.numpy().tolist() for local in strategy.experimental_local_results(varied)])
states = [[local.numpy().tolist() for local in strategy.experimental_local_results(variable.value)]
          for variable in augmenter.variables]
print(json.dumps({"told": told, "states": states}))
"""


def augmenter(seed: int = 1, /, **values: Any) -> Augmenter:
    return Augmenter(Augmentation.model_validate(values), NUM_CLASSES, seed)


def batch(size: int = 16, channels: int = 3) -> tuple[tf.Tensor, tf.Tensor]:
    """Images that differ from each other, and their labels."""
    pixels = np.stack([noise(10, 12, channels, seed) for seed in range(size)])
    return tf.constant(pixels, tf.float32), tf.constant(np.arange(size) % NUM_CLASSES, tf.int64)


def picture_batch(size: int = 64) -> tuple[tf.Tensor, tf.Tensor]:
    """The same smooth image many times."""
    pixels = np.broadcast_to(smooth(16, 16, 3), (size, 16, 16, 3))
    return tf.constant(pixels, tf.float32), tf.zeros(size, tf.int64)


def varied(pixels: tf.Tensor, labels: tf.Tensor, **values: Any) -> NDArray:
    return np.asarray(augmenter(**values)(pixels, labels)[0])


def test_nothing_is_done_where_nothing_is_asked_for() -> None:
    """Pixels come out as they went in, with labels as one-hot targets."""
    pixels, labels = batch()
    same, targets = augmenter()(pixels, labels)
    np.testing.assert_array_equal(same, pixels)
    np.testing.assert_array_equal(targets, np.eye(NUM_CLASSES)[labels])


@pytest.mark.parametrize("values", [*ALONE, EVERYTHING], ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_varied_within_their_range(values: dict[str, Any], channels: int) -> None:
    """Each operation changes most images; shape and type stay, values from 0 to 255; targets add up to 1."""
    pixels, labels = batch(channels=channels)
    changed, targets = tf.function(augmenter(**values))(pixels, labels)
    assert (changed.dtype, changed.shape) == (tf.float32, pixels.shape)
    assert (targets.dtype, targets.shape) == (tf.float32, (16, NUM_CLASSES))
    assert tf.reduce_min(changed) >= 0
    assert tf.reduce_max(changed) <= 255
    np.testing.assert_allclose(tf.reduce_sum(targets, axis=1), np.ones(16), rtol=1e-5)
    assert np.mean(np.any(changed.numpy() != pixels.numpy(), axis=(1, 2, 3))) > 0.3


@pytest.mark.parametrize("values", VARYING, ids=str)
def test_varied_images_keep_their_labels(values: dict[str, Any]) -> None:
    """Nothing but MixUp and CutMix touches the targets, and each image is varied in its own way."""
    pixels, labels = picture_batch()
    changed, targets = augmenter(**values)(pixels, labels)
    np.testing.assert_array_equal(targets, np.eye(NUM_CLASSES)[labels])
    kinds = len(np.unique(changed.numpy().reshape(64, -1), axis=0))
    assert kinds == 4 if "flip" in values else kinds > 50


@pytest.mark.parametrize(
    ("flip", "ways"),
    [
        ("horizontal", [(1, 1), (1, -1)]),
        ("vertical", [(1, 1), (-1, 1)]),
        ("both", [(1, 1), (1, -1), (-1, 1), (-1, -1)]),
    ],
)
def test_flips_mirror_half_along_each_axis(flip: str, ways: list[tuple[int, int]]) -> None:
    """Each axis by itself: with both, a quarter of the images is left, mirrored along one, the other, or both."""
    pixels, labels = picture_batch(400)
    flipped = varied(pixels, labels, flip=flip)
    shares = [
        np.mean([np.array_equal(image, pixels[0].numpy()[::up, ::left]) for image in flipped]) for up, left in ways
    ]
    np.testing.assert_allclose(shares, [1 / len(ways)] * len(ways), atol=0.1)
    assert sum(shares) == pytest.approx(1)


def test_translation_shifts_to_all_sides() -> None:
    """A bright dot moves by up to a fifth of 16 pixels in either direction of both axes, no farther."""
    pixels = np.zeros((200, 16, 16, 1), np.float32)
    pixels[:, 8, 8] = 255
    moved = varied(tf.constant(pixels), tf.zeros(200, tf.int64), translation=0.2, fill="constant")
    shares = moved[..., 0] / 255
    for axis in (1, 2):
        places = (shares.sum(axis=3 - axis) * np.arange(16)).sum(axis=1)
        assert -3.3 < places.min() - 8 < -2
        assert 2 < places.max() - 8 < 3.3


def test_rotation_turns_to_both_sides() -> None:
    """A quarter turn at most brings the right edge to the top and to the bottom."""
    pixels = np.zeros((200, 15, 15, 1), np.float32)
    pixels[:, 7, 14] = 255
    turned = varied(tf.constant(pixels), tf.zeros(200, tf.int64), rotation=90, fill="constant")
    rows = np.argmax(turned.max(axis=2)[..., 0], axis=1)
    assert (rows.min(), rows.max()) == (0, 14)
    assert turned[:, :, :5].max() < 1


def test_zoom_makes_larger_and_smaller() -> None:
    """Black comes in around images that are made smaller, and only there."""
    pixels = tf.fill([100, 16, 16, 1], 200.0)
    corners = varied(pixels, tf.zeros(100, tf.int64), zoom=0.5, fill="constant")[:, 0, 0, 0]
    assert 0.3 < np.mean(corners < 100) < 0.7


def test_crops_show_a_part_at_full_size() -> None:
    """A slope stays one, less steep, within what it was: nothing comes in from outside."""
    pixels = np.broadcast_to(np.linspace(10, 210, 21, dtype=np.float32)[None, None, :, None], (100, 21, 21, 1))
    cropped = varied(tf.constant(pixels), tf.zeros(100, tf.int64), crop=0.4)[:, 10, :, 0]
    steps = np.diff(cropped, axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-2)
    assert 5.9 < steps.min() < 7
    assert 9 < steps.max() < 10.1
    assert cropped.min() >= 10
    assert cropped.max() <= 210


def test_brightness_and_contrast_change_in_both_directions() -> None:
    """By up to their share: of 255, and of the distance from the mean."""
    pixels, labels = picture_batch(200)
    shifts = np.median(varied(pixels, labels, brightness=0.1) - pixels, axis=(1, 2, 3))
    assert -25.6 < shifts.min() < -20 < 20 < shifts.max() < 25.6
    ratios = varied(pixels, labels, contrast=0.3)[..., 0].std(axis=(1, 2)) / pixels.numpy()[..., 0].std(axis=(1, 2))
    assert 0.69 < ratios.min() < 0.75
    assert 1.2 < ratios.max() < 1.31


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_targets_are_mixed_as_the_images_are(name: str) -> None:
    """With images of one gray for each class, the mean of what comes out is that of the targets."""
    levels = np.array([0.0, 50.0, 100.0, 150.0, 250.0], np.float32)
    labels = np.arange(60) % NUM_CLASSES
    pixels = np.broadcast_to(levels[labels][:, None, None, None], (60, 100, 100, 1))
    mixed, targets = augmenter(1, **{name: 1})(tf.constant(pixels), tf.constant(labels, tf.int64))
    np.testing.assert_allclose(mixed.numpy().mean(axis=(1, 2, 3)), targets.numpy() @ levels, atol=6)
    assert np.mean(targets.numpy().max(axis=1) < 0.99) > 0.5
    within = mixed.numpy().reshape(60, -1)
    is_flat = within.std(axis=1) < 1
    assert is_flat.all() if name == "mixup" else not is_flat.all()


def test_each_batch_is_mixed_in_one_way() -> None:
    """With MixUp and CutMix both, some batches get the one, some the other."""
    pixels = tf.constant(np.broadcast_to(np.arange(60, dtype=np.float32)[:, None, None, None], (60, 16, 16, 1)))
    augment = tf.function(augmenter(mixup=1, cutmix=1))
    are_flat = [np.ptp(augment(pixels, tf.zeros(60, tf.int64))[0], axis=(1, 2, 3)).max() < 1e-3 for _ in range(12)]
    assert 0 < sum(are_flat) < 12


def test_the_seed_decides_the_sequence() -> None:
    """The same seed gives the same batches, each other than the last; another seed gives others."""
    pixels, labels = batch()

    def sequence(seed: int) -> list[NDArray]:
        augment = tf.function(augmenter(seed, **EVERYTHING))
        return [augment(pixels, labels)[0].numpy() for _ in range(3)]

    first, again, other = sequence(1), sequence(1), sequence(2)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])


def test_a_sequence_goes_on_from_its_variables() -> None:
    """All random state is in the variables: with those of another augmenter, one goes on where that left off."""
    pixels, labels = batch()
    first, second = augmenter(1, **EVERYTHING), augmenter(7, **EVERYTHING)
    for _ in range(3):
        first(pixels, labels)
    for target, source in zip(second.variables, first.variables, strict=True):
        target.assign(source)
    for _ in range(2):
        np.testing.assert_array_equal(first(pixels, labels)[0], second(pixels, labels)[0])
    assert not first.trainable_variables


def test_precision_of_the_network_is_not_that_of_augmentation() -> None:
    """Under a policy of mixed precision pixels stay float32."""
    pixels, labels = batch()
    expected = varied(pixels, labels, **EVERYTHING)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        np.testing.assert_array_equal(varied(pixels, labels, **EVERYTHING), expected)
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_replicas_vary_each_in_its_own_way() -> None:
    """Under MirroredStrategy on two CPUs the same images come out differently, and the random state stays one."""
    program = TWO_REPLICAS % Augmentation.model_validate(EVERYTHING).model_dump_json()
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=180
    )
    assert result.returncode == 0, result.stderr[-3000:]
    told = json.loads(result.stdout.splitlines()[-1])
    images = np.array(told["told"])
    assert images.shape == (2, 2, 6, 8, 8, 3)
    for one, other in ((images[0, 0], images[0, 1]), (images[0, 0], images[1, 0])):
        assert np.abs(one - other).mean() > 5
    assert all(local[0] == local[1] for local in told["states"])


@pytest.mark.parametrize(("name", "version"), [("MixUp", "3.8"), ("CutMix", "3.9")])
def test_what_keras_lacks_is_told(name: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the key, the first version that has it, and the one at hand."""
    monkeypatch.delattr(keras.layers, name)
    with pytest.raises(
        TrainingError, match=rf"augmentation\.{name.lower()} needs Keras {version} or later, and this is"
    ):
        augmenter(1, **{name.lower(): 0.5})
