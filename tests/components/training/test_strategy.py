from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from components.training.strategy import is_chief_by_environment, is_one_of_many, make_strategy, position

ROOT = Path(__file__).parents[3]

# Two devices must be made before TensorFlow starts. Batches of 16 of 64 images; dropout would differ from one device's.
TRAINING = """
import json, sys
import tensorflow as tf

if sys.argv[1] == "2":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
from components.training.feeds import feeds_in_memory
from components.training.fitting import fit
from components.training.strategy import make_strategy
from components.feeding.replicas import Replicas
from components.transform.normalization import fixed_normalization
sys.path.insert(0, sys.argv[2])
from trainings import images, request

wanted = request(epochs=3)
feeds = feeds_in_memory(
    wanted, images(), images(num_images=21), fixed_normalization("rescale", 1), Replicas(per_worker=int(sys.argv[1]))
)
fitted = fit(wanted, feeds=feeds)
kernel = fitted.network.trainable_variables[0].value
print(json.dumps({
    "copies": [value.numpy().tolist() for value in kernel.values],
    "history": {name: values for name, values in fitted.history.items() if name != "seconds"},
}))
"""


def told_by(num_devices: int) -> dict[str, Any]:
    """What a training on so many logical CPU devices tells of itself."""
    command = [sys.executable, "-c", TRAINING, str(num_devices), str(Path(__file__).parent)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return told


def test_two_replicas_learn_what_one_does() -> None:
    """On two devices each batch is shared; losses, figures of the eval split and weights are those of one device."""
    one, two = told_by(1), told_by(2)
    assert (len(one["copies"]), len(two["copies"])) == (1, 2)
    assert two["copies"][0] == two["copies"][1]
    for name, values in one["history"].items():
        assert two["history"][name] == pytest.approx(values, rel=1e-4), name


def test_one_device_is_one_replica() -> None:
    """Where there is one device, that is the only replica, and the process is the first of one."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    strategy = make_strategy()
    assert strategy.num_replicas_in_sync == len(devices)
    assert position(strategy) == (0, 1)


@pytest.mark.parametrize(
    ("cluster", "task", "is_many", "is_chief"),
    [
        ({"worker": ["a:1", "b:1"]}, {"type": "worker", "index": 0}, True, True),
        ({"worker": ["a:1", "b:1"]}, {"type": "worker", "index": 1}, True, False),
        ({"chief": ["c:1"], "worker": ["a:1"]}, {"type": "worker", "index": 0}, True, False),
        ({"chief": ["c:1"], "worker": ["a:1"]}, {"type": "chief", "index": 0}, True, True),
        ({"worker": ["a:1"]}, {"type": "worker", "index": 0}, False, True),
        ({}, {}, False, True),
    ],
)
def test_tf_config_says_who_saves(
    cluster: Any, task: Any, is_many: bool, is_chief: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several addresses make a cluster; its chief, or else its first worker, is the one that saves."""
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert is_one_of_many() == is_many
    assert is_chief_by_environment() == is_chief


def test_without_tf_config_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No TF_CONFIG, no cluster."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert not is_one_of_many()
    assert is_chief_by_environment()
