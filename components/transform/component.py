"""Declares TFX's Transform with this project's preprocessing."""

from __future__ import annotations

from tfx import types
from tfx.components.transform.component import Transform
from tfx.proto import transform_pb2

from components.code_digest import code_digest
from schemas.data import Data
from schemas.preprocessing import Preprocessing

_PREPROCESSING_FN = "components.transform.preprocessing.preprocessing_fn"


def image_transform(
    data: Data, preprocessing: Preprocessing, examples: types.BaseChannel, schema: types.BaseChannel
) -> Transform:
    """A Transform that analyses the training split and writes nothing but the graph.

    Args:
      data: the experiment's section; its encoding decides how pixels are read.
      preprocessing: the experiment's section, its normalisation resolved.
      examples: output of ImageExampleGen.
      schema: of those examples.
    """
    return Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn=_PREPROCESSING_FN,
        splits_config=transform_pb2.SplitsConfig(analyze=["train"]),
        materialize=False,
        disable_analyzer_cache=True,
        disable_statistics=True,
        custom_config={
            "preprocessing": preprocessing.model_dump_json(),
            "encoding": data.encoding,
            "code_digest": code_digest("transform"),
        },
    )
