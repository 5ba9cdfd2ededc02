from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow_data_validation as tfdv
import tensorflow_transform as tft
from tfx import types
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.types import standard_artifacts

from components.schema_gen.component import image_schema
from schemas import features
from schemas.gate import Schema

if TYPE_CHECKING:
    from tests.components.conftest import Sample

CANONICAL = {value for name, value in vars(features).items() if str(value).startswith("image/") and name.isupper()}


def test_an_inferred_schema_names_every_feature(prepared: Sample) -> None:
    """Without a file of its own an experiment gets a schema of all canonical features, each required."""
    schema = tfdv.load_schema_text(str(prepared.stages.path("SchemaGen", "schema") / "schema.pbtxt"))
    assert sorted(feature.name for feature in schema.feature) == sorted(CANONICAL)
    for feature in schema.feature:
        assert (feature.presence.min_fraction, feature.presence.min_count) == (1.0, 1), feature.name
        assert [dimension.size for dimension in feature.shape.dim] == [1], feature.name


def test_later_stages_can_read_images_by_an_inferred_schema(prepared: Sample) -> None:
    """The Transform graph is told of the image and of the label by the inferred schema."""
    spec = tft.TFTransformOutput(str(prepared.stages.path("Transform", "transform_graph"))).raw_feature_spec()
    assert spec.keys() == CANONICAL


def test_only_the_training_split_is_described(prepared: Sample) -> None:
    """What is inferred never comes from the splits that a model is judged by."""
    statistics = types.Channel(type=standard_artifacts.ExampleStatistics)
    assert image_schema(Schema(), statistics).exec_properties["exclude_splits"] == '["eval", "test"]'


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    """A schema that the experiment names is imported, not inferred."""
    statistics = types.Channel(type=standard_artifacts.ExampleStatistics)
    file = tmp_path / "a.pbtxt"
    file.write_text("")
    imported = image_schema(Schema(file=str(file)), statistics)
    assert imported.executor_spec.executor_class is ImportSchemaGen.EXECUTOR_SPEC.executor_class
    assert imported.exec_properties["schema_file"] == str(file)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """The file's content is a parameter of the stage, so that the cache never answers for an older one."""
    statistics = types.Channel(type=standard_artifacts.ExampleStatistics)
    file = tmp_path / "a.pbtxt"
    digests = []
    for content in ("", 'feature { name: "x" }', ""):
        file.write_text(content)
        digests.append(image_schema(Schema(file=str(file)), statistics).exec_properties["content_digest"])
    assert digests[0] == digests[2] != digests[1]
