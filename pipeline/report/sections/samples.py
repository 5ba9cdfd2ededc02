"""Some training images: as they are stored, as the model gets them, and as augmentation varies them."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.feeding.augmentation import Augmenter
from components.image_example_gen.facts import SPLIT, facts_files, read_facts
from components.image_example_gen.splitting import TRAIN
from components.transform.graph import TransformGraph
from pipeline.report.content import Gallery, Picture, Section
from pipeline.report.material import Material
from pipeline.report.pictures import Place, picture, pixels_of, read_examples, spread
from pipeline.report.wording import short
from schemas import features
from schemas.augmentation import Augmentation

_NUM_SAMPLES = 6
_NUM_VARIED = 3


def samples(material: Material) -> Section | None:
    """The first training image of each of several classes, in a row for each."""
    examples, transform = material.uri("examples"), material.uri("transform_graph")
    if examples is None:
        return None
    labels, records = _chosen(examples)
    columns = ["stored"]
    stages: list[list[NDArray]] = [[pixels_of(record) for record in records]]
    if transform is not None:
        prepared = _prepared(transform, records)
        columns.append("prepared")
        stages.append(list(prepared))
        augmentation = material.experiment.augmentation
        if augmentation != Augmentation():
            varied = _varied(augmentation, prepared, labels, len(material.labels), material.experiment.training.seed)
            columns += [f"varied, {number}" for number in range(1, _NUM_VARIED + 1)]
            stages.extend(list(pixels) for pixels in varied)
    names = [short(material.label(label)) for label in labels]
    rows = [
        (name, [_picture(name, column, pixels[row]) for column, pixels in zip(columns, stages, strict=True)])
        for row, name in enumerate(names)
    ]
    told = ["as they are stored", "as the model gets them", "as augmentation varies them"][: min(len(columns), 3)]
    return Section("Samples", [Gallery(columns, rows, f"Training images of several classes {', '.join(told)}.")])


def _chosen(examples_uri: str) -> tuple[list[int], list[bytes]]:
    """Labels and records of the samples, of the first file that holds training images."""
    for path in facts_files(examples_uri):
        table = read_facts(path, (SPLIT, features.LABEL))
        labels = [row[features.LABEL] for row in table.to_pylist() if row[SPLIT] == TRAIN]
        if labels:
            shard = path.rpartition("/")[2].removesuffix(".parquet")
            rows = spread(labels, _NUM_SAMPLES)
            found = read_examples(examples_uri, [Place(TRAIN, shard, row) for row in rows])
            return [labels[row] for row in rows], [found[Place(TRAIN, shard, row)] for row in rows]
    return [], []


def _prepared(transform_uri: str, records: list[bytes]) -> NDArray:
    """float32 [examples, height, width, channels], from 0 to 255, before they are normalised."""
    transform = tft.TFTransformOutput(transform_uri)
    spec = transform.raw_feature_spec()
    parsed = tf.io.parse_example(records, {name: spec[name] for name in features.STORED_IMAGE})
    return TransformGraph(transform)(parsed)[features.TRANSFORMED_PIXELS].numpy()


def _varied(
    augmentation: Augmentation, pixels: NDArray, labels: list[int], num_classes: int, seed: int
) -> list[NDArray]:
    augmenter = Augmenter(augmentation, num_classes, seed)
    inputs = tf.constant(pixels), tf.constant(labels, tf.int64)
    return [augmenter(*inputs)[0].numpy() for _ in range(_NUM_VARIED)]


def _picture(label: str, column: str, pixels: NDArray) -> Picture:
    return picture(pixels, f"Training image of class {label}: {column}")
