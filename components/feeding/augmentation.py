"""Varies training images, anew each time they are seen."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components.errors import TrainingError
from schemas.augmentation import Augmentation

_BLACK_TO_WHITE = (0.0, 255.0)
# First version of Keras that has the layer.
_MIXING_SINCE = {"MixUp": "3.8", "CutMix": "3.9"}


class Augmenter(keras.layers.Layer):
    """Augments batches. The same seed gives the same sequence; each replica of a strategy draws for itself.

    Where MixUp and CutMix are both wanted, each batch is mixed by one of them, by the toss of a coin.
    """

    def __init__(self, augmentation: Augmentation, num_classes: int, seed: int) -> None:
        """Makes the layers, within a strategy's scope, where there is one.

        Args:
          augmentation: the experiment's section.
          num_classes: of the labels.
          seed: what the random state, which is in `variables`, starts from.

        Raises:
          TrainingError: this version of Keras has no such layer.
        """
        super().__init__(name="augmenter", dtype="float32")
        self._num_classes = num_classes
        self._random = _SeedOfEachReplica(seed)
        self._varying = _varying_layers(augmentation, seed)
        self._mixing = _mixing_layers(augmentation, seed)
        self.built = True

    def call(self, pixels: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Augments.

        Args:
          pixels: float32 [batch, height, width, channels], from 0 to 255.
          labels: int64 [batch].

        Returns:
          Pixels as they came in, but varied, and targets, float32 [batch, classes]: one-hot, or mixed.
        """
        targets = tf.one_hot(labels, self._num_classes)
        for layer in self._varying:
            drawn = layer.get_random_transformation(pixels, training=True, seed=self._random)
            pixels = layer.transform_images(pixels, drawn, training=True)
        pixels, targets = self._mixed(pixels, targets)
        # Interpolation rounds beyond the range.
        return tf.clip_by_value(pixels, *_BLACK_TO_WHITE), targets

    def _mixed(self, pixels: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Everything is drawn for every batch, so that the random state is the same on all replicas.
        all_drawn = [
            layer.get_random_transformation(pixels, training=True, seed=self._random) for layer in self._mixing
        ]

        def mix(index: int) -> tuple[tf.Tensor, tf.Tensor]:
            layer, drawn = self._mixing[index], all_drawn[index]
            return layer.transform_images(pixels, drawn), layer.transform_labels(targets, drawn)

        if not self._mixing:
            return pixels, targets
        if len(self._mixing) == 1:
            return mix(0)
        is_first = keras.random.uniform((), seed=self._random) < 0.5
        mixed: tuple[tf.Tensor, tf.Tensor] = tf.cond(is_first, lambda: mix(0), lambda: mix(1))
        return mixed


class _SeedOfEachReplica(keras.random.SeedGenerator):
    """Keras's own gives the same seeds to all replicas, which would then vary different images alike."""

    def next(self, ordered: bool = True) -> tf.Tensor:
        seed = super().next(ordered)
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group if context else 0, seed.dtype)
        # Far from the next seeds that a person would choose.
        return seed + tf.stack([replica * 1_000_003, tf.zeros_like(replica)])


class _RandomCrop:
    """Crops a part of each image, of random size and at a random place, and scales it back to full size.

    Keras's own layer crops all images of a batch alike, and to a fixed size.
    """

    def __init__(self, largest: float) -> None:
        self._largest = largest

    def get_random_transformation(
        self, pixels: tf.Tensor, training: bool, seed: keras.random.SeedGenerator
    ) -> dict[str, tf.Tensor]:
        batch_size = tf.shape(pixels)[0]
        left_out = keras.random.uniform((batch_size, 1), maxval=self._largest, seed=seed)
        start = left_out * keras.random.uniform((batch_size, 2), seed=seed)
        return {"boxes": tf.concat([start, start + 1.0 - left_out], axis=1)}

    def transform_images(self, pixels: tf.Tensor, drawn: dict[str, tf.Tensor], training: bool) -> tf.Tensor:
        boxes = drawn["boxes"]
        cropped = tf.image.crop_and_resize(pixels, boxes, tf.range(tf.shape(boxes)[0]), tf.shape(pixels)[1:3])
        return tf.ensure_shape(cropped, pixels.shape)


def _varying_layers(augmentation: Augmentation, seed: int) -> list[Any]:
    """Layers that vary each image by itself, in the order in which they are applied."""
    layers, options = keras.layers, {"seed": seed, "dtype": "float32"}
    geometry = {**options, "fill_mode": augmentation.fill}
    flips = {"both": ("horizontal", "vertical"), None: ()}.get(augmentation.flip, (augmentation.flip,))
    # One layer for both axes would mirror an image along both or none.
    varying: list[Any] = [layers.RandomFlip(flip, **options) for flip in flips]
    if augmentation.rotation:
        varying.append(layers.RandomRotation(augmentation.rotation / 360, **geometry))
    if augmentation.zoom:
        varying.append(layers.RandomZoom(augmentation.zoom, **geometry))
    if augmentation.translation:
        varying.append(layers.RandomTranslation(augmentation.translation, augmentation.translation, **geometry))
    if augmentation.crop:
        varying.append(_RandomCrop(augmentation.crop))
    if augmentation.brightness:
        varying.append(layers.RandomBrightness(augmentation.brightness, value_range=_BLACK_TO_WHITE, **options))
    if augmentation.contrast:
        # Of one number Keras makes the range from 0, and contrast would only grow.
        share = augmentation.contrast
        varying.append(layers.RandomContrast((share, share), value_range=_BLACK_TO_WHITE, **options))
    return varying


def _mixing_layers(augmentation: Augmentation, seed: int) -> list[Any]:
    """Layers that mix the images of a batch, and their targets."""
    mixing = []
    if augmentation.mixup:
        mixing.append(_mixing_layer("MixUp")(alpha=augmentation.mixup, seed=seed, dtype="float32"))
    if augmentation.cutmix:
        alpha = (augmentation.cutmix, augmentation.cutmix)
        mixing.append(_mixing_layer("CutMix")(factor=alpha, seed=seed, dtype="float32"))
    return mixing


def _mixing_layer(name: str) -> Any:
    layer = getattr(keras.layers, name, None)
    if layer is None:
        raise TrainingError(
            f"augmentation.{name.lower()} needs Keras {_MIXING_SINCE[name]} or later, and this is Keras"
            f" {keras.__version__}; install a newer one, or leave it out"
        )
    return layer
