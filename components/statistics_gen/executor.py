"""Runs TFDV over the table of facts, where no image is read."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow_data_validation as tfdv
from apache_beam.io.filesystems import FileSystems
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.statistics_gen.stats_artifact_utils import BINARY_PB_BASENAME
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from components.image_example_gen.facts import SPLIT, facts_files, read_facts
from components.lineage import INPUT_FINGERPRINT
from schemas import features

# A digest or a file's name says nothing as a statistic.
STATISTICS_OF = (
    features.LABEL,
    features.LABEL_TEXT,
    features.FORMAT,
    features.HEIGHT,
    features.WIDTH,
    features.CHANNELS,
    features.NUM_BYTES,
    features.MEAN,
    features.STDDEV,
)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes `FeatureStats.pb` for each split, as TFX's StatisticsGen does."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Reads the facts of the examples; their TFRecords are left alone."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        statistics.split_names = examples.split_names
        statistics.span = examples.span
        fingerprint = examples.get_string_custom_property(INPUT_FINGERPRINT)
        statistics.set_string_custom_property(INPUT_FINGERPRINT, fingerprint)
        places = {
            split: FileSystems.join(artifact_utils.get_split_uri(output_dict["statistics"], split), BINARY_PB_BASENAME)
            for split in artifact_utils.decode_split_names(examples.split_names)
        }
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(facts_files(examples.uri))
                | "Spread" >> beam.Reshuffle()
                | "Read" >> beam.FlatMap(_read, tuple(places))
                | "Combine" >> beam.CombinePerKey(StatisticsFn())
                | "Write" >> beam.MapTuple(functools.partial(_write, places))
            )


def _read(path: str, splits: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of each split, with a list of one value for each feature, as TFDV reads examples."""
    table = read_facts(path, (SPLIT, *STATISTICS_OF))
    for split in splits:
        rows = table.filter(pc.equal(table[SPLIT], split))
        for batch in rows.select(list(STATISTICS_OF)).to_batches():
            yield split, as_lists(batch)


def as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Puts each value into a list of its own."""
    offsets = pa.array(np.arange(batch.num_rows + 1), pa.int32())
    return pa.RecordBatch.from_arrays(
        [pa.ListArray.from_arrays(offsets, column) for column in batch.columns], names=batch.schema.names
    )


def _write(places: dict[str, str], split: str, statistics: bytes) -> None:
    with FileSystems.create(places[split], compression_type="uncompressed") as file:
        file.write(statistics)


class StatisticsFn(beam.CombineFn):
    """TFDV's own generators over batches of facts, without the graph that TFDV builds around them for each split."""

    def create_accumulator(self) -> list[Any]:
        """One per generator."""
        return [generator.create_accumulator() for generator in self._generators]

    def add_input(self, accumulator: list[Any], batch: pa.RecordBatch) -> list[Any]:
        """Adds a batch of rows."""
        return [generator.add_input(part, batch) for generator, part in zip(self._generators, accumulator, strict=True)]

    def merge_accumulators(self, accumulators: Iterable[list[Any]]) -> list[Any]:
        """Adds up what was collected apart."""
        parts = zip(*accumulators, strict=True)
        return [generator.merge_accumulators(part) for generator, part in zip(self._generators, parts, strict=True)]

    def compact(self, accumulator: list[Any]) -> list[Any]:
        """Makes it small before it travels."""
        return [generator.compact(part) for generator, part in zip(self._generators, accumulator, strict=True)]

    def extract_output(self, accumulator: list[Any]) -> bytes:
        """A serialized DatasetFeatureStatisticsList."""
        statistics: statistics_pb2.DatasetFeatureStatisticsList = stats_impl.extract_statistics_output(
            accumulator, self._generators
        )
        return statistics.SerializeToString()

    @functools.cached_property
    def _generators(self) -> list[Any]:
        generators = stats_impl.get_generators(tfdv.StatsOptions(), in_memory=True)
        for generator in generators:
            generator.setup()
        return list(generators)

    def __getstate__(self) -> dict[str, Any]:
        return {}
