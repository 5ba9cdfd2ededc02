from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from components.errors import TrainingError
from components.networks.imagenet import load_imagenet
from components.networks.network import base_of, build_network
from schemas.model import Model
from schemas.preprocessing import Preprocessing

ROOT = Path(__file__).parents[3]
# Every name that Keras's downloader looks up is refused at once, and its cache is another directory.
UNREACHABLE = """
import sys
from components.errors import TrainingError
from components.networks.network import base_of, build_network
from components.networks.imagenet import load_imagenet
from schemas.model import Model
from schemas.preprocessing import Preprocessing

network = build_network(Model(backbone="mobilenet_v2"), Preprocessing(height=32, width=32), 3)
try:
    load_imagenet(base_of(network), "mobilenet_v2")
except TrainingError as error:
    print(error)
"""


def test_imagenet_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    """Without a network the error names the backbone, the file, Keras's cache and the three ways to mend it."""
    environment = {"KERAS_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9", "PATH": "", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", UNREACHABLE]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stderr[-3000:]
    told = result.stdout.splitlines()[-1]
    assert told.startswith("model.weights: Keras could not get the weights imagenet of mobilenet_v2: URL fetch failure")
    file = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    assert f"or put the file {file} into {tmp_path}/models; or" in told
    assert told.endswith("model.weights: {file: …}")


def test_own_backbones_have_no_imagenet() -> None:
    """A backbone that is not of keras.applications is refused before anything is fetched."""
    with pytest.raises(
        TrainingError, match=r"imagenet are there for the backbones of keras\.applications, and small_cnn"
    ):
        load_imagenet(base_of(build_network(Model(), Preprocessing(height=12, width=12), 3)), "small_cnn")


@pytest.mark.parametrize("name", ["mobilenet", "efficientnet_b0"])
def test_imagenet_gives_what_the_application_gives(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the downloaded weights, of which a made-up file takes the place, a base gives what Keras's network gives."""
    build_application = {
        "mobilenet": keras.applications.MobileNet,
        "efficientnet_b0": keras.applications.EfficientNetB0,
    }
    made_up = build_application[name](include_top=False, weights=None)
    random = np.random.default_rng(0)
    for weight in made_up.weights:
        if len(weight.shape) == 1:
            weight.assign(random.uniform(0.5, 1, weight.shape))
    for layer in made_up.layers:
        if isinstance(layer, keras.layers.Normalization):
            # What the published file holds; its variance is a deviation, which the application makes up for.
            layer.adapt_mean.assign([0.485, 0.456, 0.406])
            layer.adapt_variance.assign([0.229, 0.224, 0.225])
    made_up.save_weights(tmp_path / "made_up.weights.h5")
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(tmp_path / "made_up.weights.h5"))
    expected = build_application[name](include_top=False, weights="imagenet", input_shape=(128, 128, 3))
    network = build_network(Model(backbone=name), Preprocessing(height=128, width=128), 3)
    load_imagenet(base_of(network), name)
    images = random.uniform(0, 255, (2, 128, 128, 3)).astype(np.float32)
    np.testing.assert_allclose(base_of(network)(images), expected(images, training=False), rtol=1e-4, atol=1e-5)
