"""Where the network is trained."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow as tf

CLUSTER = "TF_CONFIG"


def is_one_of_many() -> bool:
    """Whether TF_CONFIG makes this process one of several workers."""
    cluster = _configuration().get("cluster", {})
    return sum(len(addresses) for kind, addresses in cluster.items() if kind in ("chief", "worker")) > 1


def is_chief_by_environment() -> bool:
    """Whether this process is the one that saves: the chief, or else the first worker, or the only process."""
    configuration = _configuration()
    task = configuration.get("task", {})
    if not is_one_of_many() or task.get("type") == "chief":
        return True
    return task.get("type") == "worker" and task.get("index") == 0 and not configuration["cluster"].get("chief")


def _configuration() -> dict[str, Any]:
    configuration: dict[str, Any] = json.loads(os.environ.get(CLUSTER) or "{}")
    return configuration


def make_strategy() -> tf.distribute.Strategy:
    """MultiWorkerMirroredStrategy where TF_CONFIG names several workers, else MirroredStrategy.

    The latter replicates over all GPUs, or else over all logical CPU devices, of which there is one by default.
    """
    if is_one_of_many():
        return tf.distribute.MultiWorkerMirroredStrategy()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def position(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Number of this process among those that train together, counted from 0, and how many they are."""
    resolver = strategy.cluster_resolver
    if resolver is None or not is_one_of_many():
        return 0, 1
    cluster = resolver.cluster_spec().as_dict()
    num_chiefs = len(cluster.get("chief", []))
    index = resolver.task_id + (0 if resolver.task_type == "chief" else num_chiefs)
    return index, num_chiefs + len(cluster.get("worker", []))
