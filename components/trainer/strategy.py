"""Where the network is trained."""

from __future__ import annotations

import tensorflow as tf


def mirrored_strategy() -> tf.distribute.MirroredStrategy:
    """Replicates over all GPUs, or else over all logical CPU devices, of which there is one by default."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])
