from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.experiment import Experiment
from schemas.json_schema import JSON_SCHEMA_FILE, experiment_json_schema, experiment_json_schema_text
from schemas.loading import EXPERIMENTS_DIRECTORY

EXPERIMENT_FILES = sorted(EXPERIMENTS_DIRECTORY.glob("*.y*ml"))


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for section in (schema, *schema["$defs"].values()):
        for key, value in section["properties"].items():
            section_of_key = schema["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})
            yield key, {**section_of_key, **value}


def test_the_file_in_the_repository_is_fresh() -> None:
    """schemas/experiment.schema.json is what the types give now; `make schema` writes it."""
    assert JSON_SCHEMA_FILE.read_text(encoding="utf-8") == experiment_json_schema_text(), "stale: run `make schema`"


def test_every_key_is_there_and_explained() -> None:
    """Editors find every key of the experiment, with a description, and `extends`."""
    schema = experiment_json_schema()
    keys = {field.alias or name for name, field in Experiment.model_fields.items()}
    assert schema["properties"].keys() == keys | {"extends"}
    for key, value in properties(schema):
        assert value["description"], key


@pytest.mark.parametrize("file", EXPERIMENT_FILES, ids=lambda file: file.name)
def test_experiments_point_to_the_schema(file: Path) -> None:
    """Every experiment names the schema in its first line, so that editors find it."""
    prefix, _, target = file.read_text(encoding="utf-8").partition("\n")[0].partition("$schema=")
    assert prefix == "# yaml-language-server: "
    assert (file.parent / target).resolve() == JSON_SCHEMA_FILE


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("{name: x, data: {dataset: digits}}", True),
        ("{extends: digits}", True),
        ("{extends: digits, training: {early_stopping: null}}", True),
        ("{name: x}", False),
        ("{data: {dataset: digits}}", False),
        ("{extends: 3}", False),
        ("{extends: digits, trainig: {}}", False),
        ("{extends: digits, training: {epohcs: 3}}", False),
        ("{extends: digits, training: {epochs: 0}}", False),
        ("{extends: digits, model: {activation: rellu}}", False),
        ("{extends: digits, evaluation: {thresholds: {acuracy: {min: 1}}}}", False),
    ],
)
def test_the_schema_accepts_what_the_loader_accepts(text: str, is_valid: bool) -> None:
    """An editor marks unknown keys, wrong values, and missing keys unless another file is extended."""
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(experiment_json_schema())
    validator.check_schema(experiment_json_schema())
    assert validator.is_valid(yaml.safe_load(text)) == is_valid


@pytest.mark.parametrize("file", EXPERIMENT_FILES, ids=lambda file: file.name)
def test_the_schema_accepts_the_experiments(file: Path) -> None:
    """No experiment of the repository is marked as wrong in an editor."""
    jsonschema = pytest.importorskip("jsonschema")
    errors = jsonschema.Draft202012Validator(experiment_json_schema()).iter_errors(
        yaml.safe_load(file.read_text(encoding="utf-8"))
    )
    assert [error.message for error in errors] == []
