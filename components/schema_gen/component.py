"""Declares where the schema comes from."""

from __future__ import annotations

from tfx import types
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen

from schemas.experiment import Schema


def image_schema(schema: Schema, statistics: types.BaseChannel) -> SchemaGen | ImportSchemaGen:
    """Imports the experiment's schema, or infers one.

    Args:
      schema: the experiment's section.
      statistics: of the examples; read where no file is given.
    """
    if schema.file is not None:
        return ImportSchemaGen(schema_file=schema.file)
    return SchemaGen(statistics=statistics, infer_feature_shape=True, exclude_splits=["eval", "test"])
