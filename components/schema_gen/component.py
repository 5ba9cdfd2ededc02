"""Declares where the schema comes from."""

from __future__ import annotations

from tfx import types
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import executor_spec

from components.schema_gen.executor import Executor
from schemas.experiment import Schema


class ImageSchemaGen(SchemaGen):
    """A SchemaGen whose schema also names what no statistics are made of."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def image_schema(schema: Schema, statistics: types.BaseChannel) -> ImageSchemaGen | ImportSchemaGen:
    """Imports the experiment's schema, or infers one.

    Args:
      schema: the experiment's section.
      statistics: of the examples; read where no file is given.
    """
    if schema.file is not None:
        return ImportSchemaGen(schema_file=schema.file)
    inferred = ImageSchemaGen(statistics=statistics, infer_feature_shape=True, exclude_splits=["eval", "test"])
    return inferred.with_id("SchemaGen")
