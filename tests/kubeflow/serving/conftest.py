"""Servables as an experiment file makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kubeflow.serving.servable import Servable, servable_of
from pipeline.paths import Paths
from schemas.loading import load_experiment


@pytest.fixture
def servable(tmp_path: Path) -> Callable[..., Servable]:
    """Gives the servable of the experiment digits with overrides."""

    def make(*overrides: str) -> Servable:
        experiment = load_experiment("digits", overrides, require_places=False)
        return servable_of(experiment, Paths(tmp_path, experiment.name))

    return make
