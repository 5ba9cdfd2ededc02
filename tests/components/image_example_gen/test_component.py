from __future__ import annotations

from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.image_example_gen.component import ImageExampleGen
from schemas.data import Data


def test_what_decides_the_examples_decides_the_cache() -> None:
    """What is read of the section, the two places and the code: a change of one reads the source anew."""
    data = Data(source="here", encoding="raw")
    stage = ImageExampleGen(data, "there", "aside")
    assert Data.model_validate_json(stage.exec_properties["data"]) == data
    assert stage.exec_properties["source"] == "there"
    assert stage.exec_properties["quarantine"] == "aside"
    assert stage.exec_properties["code_digest"] == code_digest("image_example_gen")
    assert stage.outputs["examples"].type is standard_artifacts.Examples


def test_what_the_gate_alone_reads_decides_nothing() -> None:
    """Another share of unusable examples to let pass is no reason to read images again; another limit of pixels is."""
    data = Data(source="here", encoding="raw")
    stage = ImageExampleGen(data, "there", "aside")
    lenient = Data.model_validate({**data.model_dump(), "quarantine": {"max_fraction": 0.5}})
    assert ImageExampleGen(lenient, "there", "aside").exec_properties == stage.exec_properties
    strict = Data.model_validate({**data.model_dump(), "quarantine": {"max_pixels": 1_000}})
    assert ImageExampleGen(strict, "there", "aside").exec_properties != stage.exec_properties
