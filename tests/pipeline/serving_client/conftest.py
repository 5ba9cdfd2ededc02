"""Models exported as the Trainer does, and a server of each kind over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from schemas.preprocessing import Preprocessing
from tests.components.images import png
from tests.components.servables import export_constant, export_pixels
from tests.components.transforms import stored, transform_of
from tests.pipeline.serving_client.model_server import Loaded, Models, grpc_server, rest_server

_SHAPE = (2, 2, 1)


class Doubling(tf.Module):
    """A model that takes no images."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def serve(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Twice the input."""
        return {"y": 2 * x}


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pixels/1` says which pixel is the lightest, `pixels/2` gives every image the same; `doubling/1` takes none."""
    root = tmp_path_factory.mktemp("exported")
    preprocessing = Preprocessing(height=2, width=2, channels=1, normalization="rescale")
    examples = [stored(png(np.full((2, 2, 1), value, np.uint8))) for value in (0, 255)]
    transform = transform_of(root / "transform", examples, preprocessing)
    export_pixels(root / "pixels" / "1", transform, _SHAPE)
    export_constant(root / "pixels" / "2", transform, _SHAPE, {"bée": 0.7, "cat": 0.3})
    doubling = Doubling()
    tf.saved_model.save(doubling, str(root / "doubling" / "1"), signatures={"serving_default": doubling.serve})
    return root


@pytest.fixture(scope="session")
def loaded(exported: Path) -> dict[str, dict[int, Loaded]]:
    """All of them, loaded once."""
    return {
        model.name: {int(version.name): Loaded(version) for version in model.iterdir()}
        for model in (exported / "pixels", exported / "doubling")
    }


@pytest.fixture
def models(loaded: dict[str, dict[int, Loaded]]) -> Models:
    """What the server of one test serves."""
    return Models(loaded, {"pixels": {"stable": 1, "candidate": 2}})


@pytest.fixture(params=["rest", "grpc"])
def address(request: pytest.FixtureRequest, models: Models) -> Iterator[str]:
    """Where a server of either kind listens."""
    with (rest_server if request.param == "rest" else grpc_server)(models) as location:
        yield location


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Images of which another pixel is the lightest in each."""
    paths = [tmp_path / f"{index}.png" for index in range(4)]
    for index, path in enumerate(paths):
        pixels = np.full(4, 30, np.uint8)
        pixels[index] = 200
        path.write_bytes(png(pixels.reshape(_SHAPE)))
    return paths
