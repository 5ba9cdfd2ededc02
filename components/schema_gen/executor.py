"""Infers a schema that every later stage can read images by."""

from __future__ import annotations

import os
from typing import Any

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.schema_gen import executor
from tfx.types import artifact_utils

from schemas import features


class Executor(executor.Executor):
    """Infers the schema as TFX does, allows every format, and adds the features that no statistics are made of."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `schema.pbtxt`."""
        super().Do(input_dict, output_dict, exec_properties)
        path = os.path.join(artifact_utils.get_single_uri(output_dict["schema"]), executor.DEFAULT_FILE_NAME)
        schema = tfdv.load_schema_text(path)
        _allow_every_format(schema)
        for name in features.WITHOUT_STATISTICS:
            feature = schema.feature.add(name=name, type=schema_pb2.BYTES)
            feature.presence.min_fraction = 1.0
            feature.presence.min_count = 1
            feature.shape.dim.add(size=1)
            if name == features.ENCODED:
                feature.image_domain.SetInParent()
        tfdv.write_schema_text(schema, path)


def _allow_every_format(schema: schema_pb2.Schema) -> None:
    """A format that the training split happens to lack is no anomaly in another split."""
    for feature in schema.feature:
        if feature.name == features.FORMAT:
            feature.ClearField("domain_info")
            feature.string_domain.name = "formats"
            feature.string_domain.value.extend(features.FORMATS)
