from __future__ import annotations

from tfx import types
from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.pusher.component import AtomicPusher
from schemas.push import Push


def test_what_decides_the_push_decides_the_cache() -> None:
    """The place, what is kept and the code are parameters: a model pushed to one place is pushed to another too."""
    model = types.Channel(type=standard_artifacts.Model)
    blessing = types.Channel(type=standard_artifacts.ModelBlessing)
    stage = AtomicPusher("flowers", Push(keep=5), "there", model, blessing)
    assert stage.exec_properties["serving_directory"] == "there"
    assert stage.exec_properties["model_name"] == "flowers"
    assert Push.model_validate_json(stage.exec_properties["push"]) == Push(keep=5)
    assert stage.exec_properties["code_digest"] == code_digest("pusher")
    assert stage.outputs["pushed_model"].type is standard_artifacts.PushedModel
