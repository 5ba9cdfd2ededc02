from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from components.trainer.strategy import mirrored_strategy

ROOT = Path(__file__).parents[3]

# Two devices must be made before TensorFlow starts. 72 images in batches of 16: the last one has 8, 4 for each replica;
# of the evaluation's 21 images the last batch has 5, which no two replicas share evenly.
TWO_REPLICAS = """
import json, sys
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from components.trainer.fitting import Batched, fit
from components.trainer.strategy import mirrored_strategy
from schemas.model import Model
from schemas.preprocessing import Preprocessing
from schemas.training import Training

labels = np.arange(72) % 2
images = np.random.default_rng(0).normal(size=(72, 4, 4, 1)).astype(np.float32) + 2 * labels[:, None, None, None] - 1
data = tf.data.Dataset.from_tensor_slices((images.astype(np.float32), labels))
strategy = mirrored_strategy()
network, history = fit(
    strategy,
    Model(filters=(2,), dense=()),
    Preprocessing(height=4, width=4, channels=1),
    Training(epochs=2, batch_size=16, learning_rate=0.05),
    Batched(data.repeat().batch(16, drop_remainder=True), data.take(21).batch(16), 4),
    2,
    sys.argv[1],
)
kernel = network.trainable_variables[0].value
print(json.dumps({
    "replicas": strategy.num_replicas_in_sync,
    "copies": len(kernel.values),
    "differ": float(tf.reduce_max(tf.abs(kernel.values[0] - kernel.values[1]))),
    "evaluated": network.evaluate(data.take(21).batch(16), verbose=0, return_dict=True),
    "alone": float(np.mean(np.argmax(network.predict(images[:21], verbose=0), axis=1) == labels[:21])),
    "history": history,
}))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a training on two logical CPU devices tells of itself."""
    command = [sys.executable, "-c", TWO_REPLICAS, str(tmp_path_factory.mktemp("logs"))]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return told


def test_two_devices_are_two_replicas(outcome: dict[str, Any]) -> None:
    """On two logical CPU devices there are two replicas in sync, each with its copy of every weight, all alike."""
    assert outcome["replicas"] == 2
    assert outcome["copies"] == 2
    assert outcome["differ"] == 0


def test_replicas_learn_together(outcome: dict[str, Any]) -> None:
    """Two epochs on two replicas, with an uneven last batch to evaluate, end with a lower loss and right figures."""
    history = outcome["history"]
    assert {len(values) for values in history.values()} == {2}
    assert history["loss"][1] < history["loss"][0]
    assert history["val_loss"][1] < history["val_loss"][0]
    assert outcome["evaluated"]["accuracy"] == pytest.approx(outcome["alone"])
    assert outcome["evaluated"]["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-4)


def test_one_device_is_one_replica() -> None:
    """Where there is one device, that is the only replica."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    assert mirrored_strategy().num_replicas_in_sync == len(devices)
