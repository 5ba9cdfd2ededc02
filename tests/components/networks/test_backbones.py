from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import pytest

from components.networks.backbones import OWN, build_base
from schemas.backbones import BACKBONES
from schemas.model import Model
from tests.components.networks.bases import FAMILIES, SIZE, base


def test_every_backbone_of_the_experiment_can_be_built() -> None:
    """What an experiment may name is a function here or a network of keras.applications, never both."""
    for name, backbone in BACKBONES.items():
        assert (name in OWN) == (backbone.application is None)
        if backbone.application is not None:
            assert callable(getattr(keras.applications, backbone.application))
    assert set(OWN) <= set(BACKBONES)


def test_a_member_of_every_family_is_tested() -> None:
    """No name in the table is of a family, its letters up to the first size or kind, that is not built here."""

    def family(name: str) -> str:
        return re.sub(r"(?<=vgg|net)\d+|_(b\d|small|large|mobile|tiny|base|xlarge|[sml])$", "", name)

    assert {family(name) for name in FAMILIES} == {family(name) for name in BACKBONES}


@pytest.mark.parametrize("name", FAMILIES)
def test_images_become_a_map_of_features(name: str) -> None:
    """A base is a model called `base`, from images to a smaller map of finite features, of random weights."""
    features = np.asarray(base(name)(np.random.default_rng(0).normal(size=(2, SIZE, SIZE, 3)).astype(np.float32)))
    assert base(name).name == "base"
    assert base(name).input_shape == (None, SIZE, SIZE, 3)
    assert features.shape == (2, *base(name).output_shape[1:])
    assert features.ndim == 4
    assert features.shape[1] == features.shape[2] <= SIZE / 4
    assert np.isfinite(features).all()
    assert features.std() > 0


@pytest.mark.parametrize(("name", "channels"), [("small_cnn", 1), ("small_resnet", 1), ("mobilenet", 3)])
def test_own_bases_take_the_channels_that_the_images_have(name: str, channels: int) -> None:
    """For gray images our own bases have one channel, those of keras.applications three."""
    assert build_base(Model(backbone=name), (32, 40, 1)).input_shape == (None, 32, 40, channels)


@pytest.mark.parametrize("name", ["small_cnn", "small_resnet"])
@pytest.mark.parametrize("values", [{}, {"depth": 3, "batch_normalization": True, "padding": "valid"}])
def test_layers_are_called_the_same_in_every_network(name: str, values: dict[str, Any]) -> None:
    """Two bases of one experiment have layers of the same names, so that a message or a record can name one."""
    model = Model.model_validate({"backbone": name, **values})
    first, second = (build_base(model, (64, 64, 3)) for _ in range(2))
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
