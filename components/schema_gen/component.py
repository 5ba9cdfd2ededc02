"""Declares where the schema comes from."""

from __future__ import annotations

import hashlib
import json

from tfx import types
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import component_spec, standard_artifacts

from components.code_digest import code_digest
from components.schema_gen.executor import Executor
from schemas.gate import Schema


class ImageSchemaGenSpec(types.ComponentSpec):
    """TFX's SchemaGen, and the code's digest."""

    INPUTS = SchemaGen.SPEC_CLASS.INPUTS
    OUTPUTS = SchemaGen.SPEC_CLASS.OUTPUTS
    PARAMETERS = {**SchemaGen.SPEC_CLASS.PARAMETERS, "code_digest": component_spec.ExecutionParameter(type=str)}


class ImageSchemaGen(base_component.BaseComponent):
    """A SchemaGen whose schema also names what no statistics are made of."""

    SPEC_CLASS = ImageSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, statistics: types.BaseChannel) -> None:
        """Declares the stage.

        Args:
          statistics: whose split train is described.
        """
        super().__init__(
            ImageSchemaGenSpec(
                statistics=statistics,
                infer_feature_shape=1,
                exclude_splits=json.dumps(["eval", "test"]),
                code_digest=code_digest("schema_gen"),
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )


class CuratedSchemaSpec(types.ComponentSpec):
    """Parameters: the file, and a digest of its content, as TFX's cache looks at the path alone."""

    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {"schema": component_spec.ChannelParameter(type=standard_artifacts.Schema)}
    PARAMETERS = {
        "schema_file": component_spec.ExecutionParameter(type=str),
        "content_digest": component_spec.ExecutionParameter(type=str),
    }


class CuratedSchema(base_component.BaseComponent):
    """TFX's ImportSchemaGen, worked anew where the file has changed."""

    SPEC_CLASS = CuratedSchemaSpec
    EXECUTOR_SPEC = ImportSchemaGen.EXECUTOR_SPEC

    def __init__(self, schema_file: str) -> None:
        """Declares the stage.

        Args:
          schema_file: a TFDV schema in protobuf's text format.
        """
        with fileio.open(schema_file, "rb") as file:
            content_digest = hashlib.sha256(file.read()).hexdigest()
        super().__init__(
            CuratedSchemaSpec(
                schema_file=schema_file,
                content_digest=content_digest,
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )


def image_schema(schema: Schema, statistics: types.BaseChannel) -> ImageSchemaGen | CuratedSchema:
    """Imports the experiment's schema, or infers one.

    Args:
      schema: the experiment's section.
      statistics: of the examples; read where no file is given.
    """
    if schema.file is not None:
        return CuratedSchema(schema.file).with_id("ImportSchemaGen")
    return ImageSchemaGen(statistics).with_id("SchemaGen")
