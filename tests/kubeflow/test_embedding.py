from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubeflow.embedding import from_text, to_text
from schemas.loading import experiment_names, load_experiment
from schemas.problems import ExperimentError


@pytest.mark.parametrize("name", experiment_names())
def test_what_is_embedded_is_the_experiment(name: str) -> None:
    """It loads as an equal experiment, with the same digest, and is one line."""
    experiment = load_experiment(name, require_places=False)
    text = to_text(experiment)
    assert "\n" not in text
    assert from_text(text, (), require_places=False) == experiment
    assert from_text(text, (), require_places=False).digest() == experiment.digest()


def test_curated_schemas_are_named(tmp_path: Path) -> None:
    """Their path on this machine is of no use in a container."""
    experiment = load_experiment("digits", require_places=False)
    assert experiment.schema_.file is not None
    assert json.loads(to_text(experiment))["schema"] == {"file": "digits"}


def test_overrides_of_a_run(tmp_path: Path) -> None:
    """Any value can be given anew."""
    text = to_text(load_experiment("digits"))
    changed = from_text(text, ("training.epochs=3", "data.spans.last=7"), require_places=False)
    assert (changed.training.epochs, changed.data.spans.last) == (3, 7)


def test_places_must_be_in_the_pods(tmp_path: Path) -> None:
    """All that are not are told at once; those on a volume or in an object store are taken on trust."""
    overrides = [
        "data.dataset=null",
        f"data.source={tmp_path}/images",
        "push.directory=s3://bucket/models",
        f"gate.serving_statistics={tmp_path}/served.pbtxt",
        "kubeflow.volumes=[{claim: a, mount: /darkroom}, {claim: b, mount: /data}]",
    ]
    experiment = load_experiment("digits", overrides, require_places=False)
    with pytest.raises(ExperimentError) as caught:
        to_text(experiment)
    assert [problem.path for problem in caught.value.problems] == ["data.source", "gate.serving_statistics"]
    assert "(/darkroom, /data)" in str(caught.value)
    mounted = [*overrides, "data.source=/data/images", "gate.serving_statistics=/data/served.pbtxt"]
    assert "/data/images" in to_text(load_experiment("digits", mounted, require_places=False))
