from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from components.warm_up import read_warm_up, write_warm_up

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def test_a_servable_brings_its_warm_up_requests(trained: Sample) -> None:
    """Where a model server looks for them, in its own format: real images, alone and in a batch."""
    servable = trained.stages.path("Trainer", "model") / "Format-Serving"
    path = servable / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset([str(path)]).as_numpy_iterator()
    logs = list(map(prediction_log_pb2.PredictionLog.FromString, records))
    assert [log.WhichOneof("log_type") for log in logs] == ["predict_log", "predict_log"]
    model = tf.saved_model.load(str(servable)).signatures["serving_default"]
    for log, size in zip(logs, (1, 8), strict=True):
        assert log.predict_log.request.model_spec.signature_name == "serving_default"
        images = tf.make_ndarray(log.predict_log.request.inputs["image_bytes"])
        assert len(set(images.tolist())) == size
        assert model(image_bytes=tf.constant(images))["probabilities"].shape[0] == size


def test_the_pushed_version_has_them(trained: Sample) -> None:
    """They travel with the model."""
    [version] = trained.serving.glob("[0-9]*")
    assert len(read_warm_up(str(version))) == 2


def test_without_images_there_are_none(tmp_path: Path) -> None:
    """An empty file would end the loading of the model."""
    write_warm_up(str(tmp_path), [], (1,))
    assert list(tmp_path.iterdir()) == []
    assert read_warm_up(str(tmp_path)) == []
