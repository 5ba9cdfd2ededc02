"""Statistics of what was served."""

from __future__ import annotations

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow_data_validation import constants
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList as Statistics
from tfx.dsl.io import fileio

from components.data_gate.distributions import COMPARED
from components.errors import DataError

MEND = f"write it with TFDV, from images served and the facts {', '.join(COMPARED)}"
_TEXT_ENDINGS = (".pbtxt", ".textproto", ".txt")
_RECORD_ENDINGS = (".tfrecord", ".tfrecords")


def load_serving_statistics(path: str) -> Statistics:
    """Reads TFDV statistics: text (`.pbtxt`), TFRecord (`.tfrecord`), or else a binary protobuf.

    Of statistics by slices the one over all examples is kept.

    Raises:
      DataError: the file is not there, or holds no statistics.
    """
    if not fileio.exists(path):
        raise DataError(f"gate.serving_statistics: no such file: {path}")
    try:
        if path.endswith(_TEXT_ENDINGS):
            statistics = tfdv.load_stats_text(path)
        elif path.endswith(_RECORD_ENDINGS):
            statistics = tfdv.load_statistics(path)
        else:
            statistics = tfdv.load_stats_binary(path)
    except (DecodeError, text_format.ParseError, ValueError, OSError) as error:
        raise DataError(f"gate.serving_statistics: {path} holds no TFDV statistics ({error}); {MEND}") from error
    if len(statistics.datasets) > 1:
        whole = [dataset for dataset in statistics.datasets if dataset.name == constants.DEFAULT_SLICE_KEY]
        statistics = Statistics(datasets=whole[:1])
    if not any(dataset.features for dataset in statistics.datasets):
        raise DataError(f"gate.serving_statistics: {path} holds no statistics of any feature; {MEND}")
    return statistics
