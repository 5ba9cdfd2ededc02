from __future__ import annotations

from pathlib import Path

import keras
import pytest
import tensorflow as tf

from components.errors import DataError
from components.networks.network import base_of, build_network
from schemas.experiment import Experiment
from schemas.loading import load_experiment
from tests.bench import stock_module, stock_tfx
from tests.bench.against_stock import EXPERIMENT
from tests.bench.fashion_png import write_fashion_png
from tests.programs import do_without


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    """What Darkroom is given to do."""
    return load_experiment(str(EXPERIMENT), ["data.source=anywhere"], require_places=False)


def test_both_do_the_same_work(experiment: Experiment) -> None:
    """One epoch over all training images in batches of one size, evaluated on the split that stock evaluates on."""
    assert experiment.training.epochs == 1
    assert experiment.training.steps_per_epoch is None
    assert experiment.training.optimizer == "adam"
    assert experiment.training.batch_size == stock_module.BATCH_SIZE == stock_tfx.BATCH_SIZE
    assert experiment.preprocessing.normalization == "standardize"
    assert experiment.evaluation.split == "eval"
    assert experiment.evaluation.thresholds["accuracy"].min == stock_tfx.LOWEST_ACCURACY


def test_both_train_the_same_network(experiment: Experiment) -> None:
    """The same layers with the same weights in the same order."""
    own = build_network(experiment.model, experiment.preprocessing, stock_module.NUM_CLASSES)
    stock = stock_module.build_network()
    image, base, *head = own.layers
    assert base is base_of(own)
    # The base has an input of its own.
    assert isinstance(base.layers[0], keras.layers.InputLayer)
    layers = [image, *base.layers[1:], *head]
    assert [type(layer).__name__ for layer in layers] == [type(layer).__name__ for layer in stock.layers]
    assert [tuple(weight.shape) for weight in own.weights] == [tuple(weight.shape) for weight in stock.weights]


def test_files_hold_every_image_and_what_is_added_is_new(tmp_path: Path) -> None:
    """Training and evaluation get as many images as asked for; the extra split shares none with them."""
    try:
        write_fashion_png(tmp_path, num_images=1200)
    except DataError as error:
        do_without(str(error))
    images = {}
    for split in ("train", "eval", "test"):
        dataset = tf.data.TFRecordDataset(str(tmp_path / split / f"{split}.gz"), "GZIP")
        examples = [tf.train.Example.FromString(record) for record in dataset.as_numpy_iterator()]
        images[split] = [example.features.feature["image"].bytes_list.value[0] for example in examples]
        assert {label for example in examples for label in example.features.feature["label"].int64_list.value} == set(
            range(10)
        )
    assert [len(found) for found in images.values()] == [1200, 200, 100]
    assert not set(images["test"]) & {*images["train"], *images["eval"]}
