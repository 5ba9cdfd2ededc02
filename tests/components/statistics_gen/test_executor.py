from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf.json_format import MessageToDict
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.types import standard_artifacts

from components.image_example_gen.component import ImageExampleGen
from components.image_example_gen.facts import SPLIT, read_all_facts
from components.image_example_gen.splitting import SPLITS
from components.statistics_gen.component import image_statistics
from components.statistics_gen.executor import STATISTICS_OF, Executor, StatisticsFn, as_lists
from schemas import features
from schemas.data import Data
from tests.components.images import Values, jpeg, noise, png, serialized, write_tfrecord
from tests.components.stages import Stages

NUM_FILES = 3
NUM_IMAGES = 90


def stored(index: int) -> bytes:
    """Images of many sizes, two formats, one or three channels, four classes of unequal size."""
    pixels = noise(4 + index % 7, 5 + index % 11, 1 if index % 3 else 3, index)
    label = min(index % 7, 3)
    values: Values = {
        features.ENCODED: (png if index % 2 else jpeg)(pixels),
        features.LABEL: label,
        features.LABEL_TEXT: ("cat", "dog", "élan", "x y")[label].encode(),
    }
    return serialized(values)


class Made(NamedTuple):
    """The same examples, described by this project and by TFX."""

    examples: types.Artifact
    ours: Path
    theirs: Path

    def features(self, which: Path, split: str) -> dict[str, Any]:
        """By name, what is said of a split's features."""
        return by_name(tfdv.load_stats_binary(str(which / f"Split-{split}" / "FeatureStats.pb")))


def by_name(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> dict[str, Any]:
    """The features of the only data set."""
    [dataset] = statistics.datasets
    return {feature.path.step[0]: feature for feature in dataset.features}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Statistics over 90 images in three files."""
    root = tmp_path_factory.mktemp("statistics")
    for number in range(NUM_FILES):
        write_tfrecord(root / "source" / f"file-{number}", map(stored, range(number, NUM_IMAGES, NUM_FILES)))
    data = Data.model_validate({"source": str(root / "source"), "splits": {"eval": 0.2, "test": 0.3}})
    ingestion = ImageExampleGen(data, str(root / "source"), str(root / "quarantine"))
    examples = ingestion.outputs["examples"]
    options = tfdv.StatsOptions(feature_allowlist=list(STATISTICS_OF))
    theirs = StatisticsGen(examples=examples, stats_options=options).with_id("Theirs")
    stages = Stages(root / "stages")
    stages.run([ingestion, image_statistics(examples), theirs])
    artifact = stages.outputs["ImageExampleGen"]["examples"]
    return Made(artifact, stages.path("StatisticsGen", "statistics"), stages.path("Theirs", "statistics"))


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every figure and text of a message, with its place."""
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Every figure, histogram and list of top values is the same, but for rounding."""
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        got, wanted = (dict(leaves(MessageToDict(feature))) for feature in (ours[name], expected))
        assert got.keys() == wanted.keys(), name
        for path, value in wanted.items():
            assert got[path] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), (name, path)


@pytest.mark.parametrize("split", SPLITS)
def test_it_says_what_tfx_says(split: str, made: Made) -> None:
    """Feature by feature, the statistics are those of TFX's StatisticsGen over the same examples, in full."""
    ours = made.features(made.ours, split)
    assert ours.keys() == set(STATISTICS_OF)
    assert_same(ours, made.features(made.theirs, split))


def test_each_split_is_described_apart(made: Made) -> None:
    """Counts, extremes, average and the names of the classes are those of the split's own rows."""
    table = read_all_facts(made.examples.uri, (SPLIT, features.HEIGHT, features.LABEL_TEXT))
    assert len(table) == NUM_IMAGES
    for split in SPLITS:
        rows = table.filter(pc.equal(table[SPLIT], split))
        described = made.features(made.ours, split)
        height, heights = described[features.HEIGHT].num_stats, rows[features.HEIGHT].to_numpy()
        assert height.common_stats.num_non_missing == len(rows) > 5
        assert (height.min, height.max) == (heights.min(), heights.max())
        np.testing.assert_allclose((height.mean, height.std_dev), (heights.mean(), heights.std()))
        top = {bucket.value: bucket.frequency for bucket in described[features.LABEL_TEXT].string_stats.top_values}
        texts = [text.decode() for text in rows[features.LABEL_TEXT].to_pylist()]
        assert top == {text: texts.count(text) for text in set(texts)}


def test_images_are_never_read(made: Made, tmp_path: Path) -> None:
    """The facts alone are enough: without any of the TFRecords the same statistics come out."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "facts").symlink_to(Path(made.examples.uri) / "facts")
    examples, statistics = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics()
    examples.uri, statistics.uri = str(tmp_path / "examples"), str(tmp_path / "statistics")
    examples.split_names = made.examples.split_names
    Executor().Do({"examples": [examples]}, {"statistics": [statistics]}, {})
    assert statistics.split_names == made.examples.split_names
    for split in SPLITS:
        assert_same(made.features(tmp_path / "statistics", split), made.features(made.ours, split))


def test_many_parts_say_what_one_says(made: Made) -> None:
    """However the rows are spread over accumulators, and whether these are made small on the way, is all one."""
    [rows] = read_all_facts(made.examples.uri, STATISTICS_OF).combine_chunks().to_batches()
    parts = [as_lists(rows.slice(start, 7)) for start in range(0, NUM_IMAGES, 7)]
    combine = StatisticsFn()

    def added(chosen: list[pa.RecordBatch]) -> list[Any]:
        accumulator = combine.create_accumulator()
        for batch in chosen:
            accumulator = combine.add_input(accumulator, batch)
        return accumulator

    def described(accumulator: list[Any]) -> dict[str, Any]:
        serialized_statistics = combine.extract_output(accumulator)
        return by_name(statistics_pb2.DatasetFeatureStatisticsList.FromString(serialized_statistics))

    spread = [combine.compact(added(parts[start::4])) for start in range(4)]
    assert_same(described(combine.merge_accumulators(spread)), described(added(parts)))


def test_a_column_of_values_becomes_a_column_of_lists() -> None:
    """Each row has a list of its one value, also where the batch is a piece of a longer one."""
    batch = pa.RecordBatch.from_pydict({"number": [1, 2, 3, 4], "text": [b"a", b"b", b"c", b"d"]})
    assert as_lists(batch.slice(1, 2)).to_pydict() == {"number": [[2], [3]], "text": [[b"b"], [b"c"]]}
