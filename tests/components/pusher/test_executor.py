from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tensorflow as tf
from tfx import types
from tfx.types import standard_artifacts

from components.errors import StageError
from components.pusher.executor import Executor
from components.pusher.naming import MANIFEST
from components.pusher.rollback import roll_back
from components.pusher.serving_directory import open_directory
from schemas.push import ModelServer, Push
from tests.components.pusher.models import AT_ONCE, write_servable

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def push(root: Path, blessed: int | None, number: int = 0) -> types.Artifact:
    """Pushes a model, blessed or not, and gives the artifact that tells of it."""
    write_servable(root / "model" / "Format-Serving", number)
    model, blessing, pushed = (
        standard_artifacts.Model(),
        standard_artifacts.ModelBlessing(),
        standard_artifacts.PushedModel(),
    )
    model.uri, blessing.uri, pushed.uri = (str(root / name) for name in ("model", "blessing", "pushed"))
    if blessed is not None:
        blessing.set_int_custom_property("blessed", blessed)
    inputs: dict[str, list[types.Artifact]] = {"model": [model], "model_blessing": [blessing]}
    properties = {
        "serving_directory": str(root / "serving"),
        "push": Push(model_server=ModelServer(base_path="/models/flowers")).model_dump_json(),
        "model_name": "flowers",
    }
    Executor().Do(inputs, {"pushed_model": [pushed]}, properties)
    return pushed


def test_a_blessed_model_is_pushed(tmp_path: Path) -> None:
    """The servable appears as a version, and the artifact tells which and where."""
    pushed = push(tmp_path, blessed=1)
    [version] = (tmp_path / "serving").glob("[0-9]*")
    assert (version / "saved_model.pb").read_bytes() == b"graph"
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == version.name
    assert pushed.get_string_custom_property("pushed_destination") == str(version)


def test_the_model_server_has_the_name_and_the_path_of_the_experiment(tmp_path: Path) -> None:
    """What the experiment says of the push reaches the stage."""
    push(tmp_path, blessed=1)
    text = (tmp_path / "serving" / "models.config").read_text()
    assert 'name: "flowers"' in text
    assert 'base_path: "/models/flowers"' in text


def test_a_model_that_was_rolled_back_is_not_pushed_again(tmp_path: Path) -> None:
    """The artifact names the version that the model has, and that nothing was pushed; the live one stays."""
    push(tmp_path, 1, number=1)
    second = push(tmp_path, 1, number=2).get_string_custom_property("pushed_version")
    live = roll_back(open_directory(str(tmp_path / "serving")), AT_ONCE, "flowers").live
    again = push(tmp_path, 1, number=2)
    assert again.get_int_custom_property("pushed") == 0
    assert again.get_string_custom_property("pushed_version") == second
    assert [path.name for path in (tmp_path / "serving").glob("[0-9]*")] == [str(live)]


@pytest.mark.parametrize("blessed", [0, None])
def test_a_model_that_is_not_blessed_is_never_pushed(blessed: int | None, tmp_path: Path) -> None:
    """A refused model, or one without a verdict, is an error, and nothing is written."""
    with pytest.raises(StageError, match="not blessed"):
        push(tmp_path, blessed)
    assert not (tmp_path / "serving").exists()


def test_the_stage_pushes_what_was_trained(trained: Sample) -> None:
    """In a real run the pushed version is, byte for byte, the Trainer's servable and a manifest, and it loads."""
    [version] = trained.serving.glob("[0-9]*")
    servable = trained.stages.path("Trainer", "model") / "Format-Serving"
    files = {path.relative_to(servable): path.read_bytes() for path in servable.rglob("*") if path.is_file()}
    pushed = {path.relative_to(version): path.read_bytes() for path in version.rglob("*") if path.is_file()}
    assert pushed.pop(Path(MANIFEST))
    assert pushed == files
    assert set(tf.saved_model.load(str(version)).signatures) == {"serving_default", "serving_examples"}
