"""What the model said of every image, as a table: confusions and mistakes are looked up here."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filesystems import FileSystems

from components.evaluator.metrics import Scores
from components.image_example_gen.facts import INDEX, SOURCE, SPLIT

_NAME = "predictions.parquet"

# Of the stored example: its file, without directory and ending, and which record it is there.
SHARD = "shard"
ROW = "row"
PLACES = (SPLIT, SOURCE, INDEX, SHARD, ROW)
LABEL = "label"
PREDICTED = "predicted"
PROBABILITY = "probability"
LABEL_PROBABILITY = "label_probability"


def write_predictions(evaluation_uri: str, images: pa.Table, scores: Scores) -> None:
    """Writes the table.

    Args:
      evaluation_uri: directory of the evaluation.
      images: where each is, by the columns of `PLACES`.
      scores: of the same images.
    """
    table = images.select(list(PLACES))
    for name, values in (
        (LABEL, scores.labels),
        (PREDICTED, scores.predicted),
        (PROBABILITY, scores.probabilities.max(axis=1)),
        (LABEL_PROBABILITY, scores.of_label),
    ):
        table = table.append_column(name, pa.array(values))
    with FileSystems.create(FileSystems.join(evaluation_uri, _NAME), compression_type="uncompressed") as file:
        pq.write_table(table, file)


def read_predictions(evaluation_uri: str) -> pa.Table:
    """A row for each image of the evaluated split.

    Returns:
      `split`, `source` and `index` as in the facts, `shard` and `row` of the stored example, `label` and `predicted`,
      int64, and float32 the `probability` of the predicted class and the `label_probability` of the true one.
    """
    with FileSystems.open(FileSystems.join(evaluation_uri, _NAME), compression_type="uncompressed") as file:
        return pq.read_table(file)
