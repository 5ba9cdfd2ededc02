from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tensorflow as tf
from tfx import types
from tfx.types import standard_artifacts

from components.errors import StageError
from components.pusher.executor import Executor

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def push(root: Path, blessed: int | None) -> types.Artifact:
    """Pushes a model, blessed or not, and gives the artifact that tells of it."""
    servable = root / "model" / "Format-Serving"
    servable.mkdir(parents=True)
    (servable / "saved_model.pb").write_bytes(b"graph")
    model, blessing, pushed = (
        standard_artifacts.Model(),
        standard_artifacts.ModelBlessing(),
        standard_artifacts.PushedModel(),
    )
    model.uri, blessing.uri, pushed.uri = (str(root / name) for name in ("model", "blessing", "pushed"))
    if blessed is not None:
        blessing.set_int_custom_property("blessed", blessed)
    inputs: dict[str, list[types.Artifact]] = {"model": [model], "model_blessing": [blessing]}
    Executor().Do(inputs, {"pushed_model": [pushed]}, {"serving_directory": str(root / "serving")})
    return pushed


def test_a_blessed_model_is_pushed(tmp_path: Path) -> None:
    """The servable appears as a version, and the artifact tells which and where."""
    pushed = push(tmp_path, blessed=1)
    [version] = (tmp_path / "serving").iterdir()
    assert (version / "saved_model.pb").read_bytes() == b"graph"
    assert pushed.get_string_custom_property("pushed_version") == version.name
    assert pushed.get_string_custom_property("pushed_destination") == str(version)


@pytest.mark.parametrize("blessed", [0, None])
def test_a_model_that_is_not_blessed_is_never_pushed(blessed: int | None, tmp_path: Path) -> None:
    """A refused model, or one without a verdict, is an error, and nothing is written."""
    with pytest.raises(StageError, match="not blessed"):
        push(tmp_path, blessed)
    assert not (tmp_path / "serving").exists()


def test_the_stage_pushes_what_was_trained(trained: Sample) -> None:
    """In a real run the pushed version is, byte for byte, the Trainer's servable, and it loads."""
    [version] = trained.serving.iterdir()
    servable = trained.stages.path("Trainer", "model") / "Format-Serving"
    files = {path.relative_to(servable): path.read_bytes() for path in servable.rglob("*") if path.is_file()}
    assert {path.relative_to(version): path.read_bytes() for path in version.rglob("*") if path.is_file()} == files
    assert set(tf.saved_model.load(str(version)).signatures) == {"serving_default", "serving_examples"}
