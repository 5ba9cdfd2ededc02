from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tfx import types
from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.transform.component import image_transform
from schemas.data import Data
from schemas.preprocessing import Preprocessing

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def parameters(data: Data, preprocessing: Preprocessing) -> dict[str, object]:
    examples = types.Channel(type=standard_artifacts.Examples)
    schema = types.Channel(type=standard_artifacts.Schema)
    return dict(image_transform(data, preprocessing, examples, schema).exec_properties)


def test_nothing_but_the_graph_is_written(prepared: Sample) -> None:
    """No transformed examples are kept, and no cache of the analysis."""
    written = {key for key, artifact in prepared.stages.outputs["Transform"].items() if artifact.uri}
    assert "transform_graph" in written
    assert not written & {"transformed_examples", "updated_analyzer_cache"}


def test_what_decides_the_graph_decides_the_cache() -> None:
    """Preprocessing, encoding and code are parameters of the stage: a change of one never meets a cached graph."""
    data = Data(source="here")
    known = parameters(data, Preprocessing())
    assert known == parameters(Data(source="there"), Preprocessing())
    assert known != parameters(data, Preprocessing(width=32))
    assert known != parameters(Data(source="here", encoding="raw"), Preprocessing())
    assert json.loads(str(known["custom_config"]))["code_digest"] == code_digest("transform")
