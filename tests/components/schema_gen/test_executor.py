from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow_data_validation as tfdv

from schemas import features

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def test_an_inferred_schema_knows_which_feature_is_the_image(prepared: Sample) -> None:
    """image/encoded and nothing else is marked as an image; TFDV itself finds nothing wrong with its type."""
    schema = tfdv.load_schema_text(str(prepared.stages.path("SchemaGen", "schema") / "schema.pbtxt"))
    marked = [feature.name for feature in schema.feature if feature.WhichOneof("domain_info") == "image_domain"]
    assert marked == [features.ENCODED]


def test_an_inferred_schema_knows_what_the_training_split_holds(prepared: Sample) -> None:
    """Formats and names of classes are those of the data, so that another one is found."""
    schema = tfdv.load_schema_text(str(prepared.stages.path("SchemaGen", "schema") / "schema.pbtxt"))
    domains = {domain.name: sorted(domain.value) for domain in schema.string_domain}
    assert domains == {features.FORMAT: ["PNG"], features.LABEL_TEXT: ["bright", "dark", "medium"]}
