from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx import types
from tfx.types import standard_artifacts

from components.canary.executor import Executor
from components.canary.verdict import Verdict
from components.errors import StageError
from components.networks.weights import NATIVE, NETWORK_FILE
from components.trainer.export import Servable, export
from components.trainer.lite import convert
from components.transform.graph import normalization_of
from schemas.canary import Canary
from tests.components.images import noise, png
from tests.components.transforms import stored, transform_of

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def tried(
    sample: Sample, directory: Path, model: types.Artifact | None = None, split: str = "test", **canary: Any
) -> tuple[Verdict, types.Artifact]:
    """What the stage says of the sample's model, or of another in its place."""
    outputs = sample.stages.outputs
    blessing = standard_artifacts.InfraBlessing()
    blessing.uri = str(directory / "infra_blessing")
    Path(blessing.uri).mkdir(parents=True)
    Executor().Do(
        {
            "model": [model or outputs["Trainer"]["model"]],
            "examples": [outputs["ImageExampleGen"]["examples"]],
            "transform_graph": [outputs["Transform"]["transform_graph"]],
        },
        {"infra_blessing": [blessing]},
        {"canary": Canary.model_validate(canary).model_dump_json(), "split": split},
    )
    return Verdict.from_json((directory / "infra_blessing" / "canary.json").read_text()), blessing


def copied(sample: Sample, directory: Path) -> types.Artifact:
    """The sample's model, to be tampered with."""
    shutil.copytree(sample.stages.path("Trainer", "model"), directory)
    model = standard_artifacts.Model()
    model.uri = str(directory)
    return model


def test_the_stage_blesses_a_model_that_serves_well(trained: Sample) -> None:
    """In the pipeline, as TFX's InfraValidator would; the checks and the figures are kept beside the blessing."""
    blessing = trained.stages.outputs["Canary"]["infra_blessing"]
    assert blessing.get_int_custom_property("blessed") == 1
    directory = Path(blessing.uri)
    assert (directory / "INFRA_BLESSED").exists()
    content = json.loads((directory / "canary.json").read_text())
    assert content["passed"]
    assert [check["name"] for check in content["checks"]] == [
        "signatures",
        "real images",
        "same as trained, serving_default",
        "same as trained, serving_examples",
        "batch sizes",
        "odd images",
        "broken bytes",
        "warm-up requests",
    ]
    assert content["checks"][1]["message"].startswith("20 images of 3 classes, ")
    figures = content["figures"]
    assert 0 < figures["latency_p50_ms"] <= figures["latency_p99_ms"]
    assert figures["images_per_second"] > 1
    assert 50 < figures["peak_memory_mb"] < 20_000


def test_tampered_preprocessing_is_refused(trained: Sample, tmp_path: Path) -> None:
    """A servable that normalises in another way than the network was trained with, all else being the same."""
    model = copied(trained, tmp_path / "model")
    network = keras.saving.load_model(Path(model.uri) / NATIVE / NETWORK_FILE, compile=False)
    rescaling = trained.experiment.preprocessing.model_copy(update={"normalization": "rescale"})
    other: tft.TFTransformOutput = transform_of(tmp_path / "other", [stored(png(noise(8, 8, 1)))], rescaling)
    servable = Path(model.uri) / "Format-Serving"
    labels = (servable / "assets" / "labels.txt").read_text().splitlines()
    shutil.rmtree(servable)
    export(Servable(network, other, labels), str(servable), labels, "{}")
    verdict, blessing = tried(trained, tmp_path, model)
    assert blessing.get_int_custom_property("blessed") == 0
    assert (Path(blessing.uri) / "INFRA_NOT_BLESSED").exists()
    failures = verdict.failures()
    assert [line.split(":")[0] for line in failures] == [
        "same as trained, serving_default",
        "same as trained, serving_examples",
    ]
    assert "at most 1e-05 may differ (canary.tolerance)" in failures[0]


def test_weights_that_changed_after_the_training_are_refused(trained: Sample, tmp_path: Path) -> None:
    """The file of the weights is one byte away from what was trained."""
    model = copied(trained, tmp_path / "model")
    [weights] = (Path(model.uri) / "Format-Serving" / "variables").glob("variables.data*")
    content = bytearray(weights.read_bytes())
    for index in range(3, len(content), 4):
        content[index] ^= 0x80
    weights.write_bytes(bytes(content))
    verdict, _ = tried(trained, tmp_path, model)
    assert not verdict.passed


def test_a_model_that_does_not_load_is_refused(trained: Sample, tmp_path: Path) -> None:
    """With the step that it came to, and the error."""
    model = copied(trained, tmp_path / "model")
    (Path(model.uri) / "Format-Serving" / "saved_model.pb").write_bytes(b"not a graph")
    verdict, _ = tried(trained, tmp_path, model)
    [failure] = verdict.failures()
    assert failure.startswith("trial: loading the model ended in ")


def test_budgets_are_held(trained: Sample, tmp_path: Path) -> None:
    """A refusal says the figure and the limit; what is met passes."""
    limits: dict[str, Any] = {
        "max_latency_p99_ms": 1e-4,
        "min_images_per_second": 1e9,
        "max_memory_mb": 1.0,
        "max_latency_p50_ms": 1e6,
    }
    verdict, _ = tried(trained, tmp_path, **limits)
    failures = {line.split(":")[0]: line for line in verdict.failures()}
    assert failures.keys() == {"latency_p99_ms", "images_per_second", "peak_memory_mb"}
    assert failures["latency_p99_ms"].endswith(", at most 0.0001 (canary.max_latency_p99_ms)")
    assert failures["images_per_second"].endswith(", at least 1e+09 (canary.min_images_per_second)")
    assert verdict.budgets == limits


def test_a_trial_that_takes_too_long_is_a_refusal(trained: Sample, tmp_path: Path) -> None:
    """The process is ended, and its time limit told."""
    verdict, blessing = tried(trained, tmp_path, max_seconds=0.05)
    [failure] = verdict.failures()
    assert failure.startswith("process: the model did not get through its trial in 0.05 s (canary.max_seconds)")
    assert blessing.get_int_custom_property("blessed") == 0


def test_broken_warm_up_requests_are_refused(trained: Sample, tmp_path: Path) -> None:
    """A model server would not become ready."""
    from components.warm_up import write_warm_up

    model = copied(trained, tmp_path / "model")
    write_warm_up(str(Path(model.uri) / "Format-Serving"), [b"no image"], (1,))
    verdict, _ = tried(trained, tmp_path, model)
    [failure] = verdict.failures()
    assert failure.startswith("warm-up requests: request 0: ")


def test_lite_models_are_held_to_the_saved_model(trained: Sample, tmp_path: Path) -> None:
    """One that was made of the network agrees; one that is no model at all is refused."""
    model = copied(trained, tmp_path / "model")
    network = keras.saving.load_model(Path(model.uri) / NATIVE / NETWORK_FILE, compile=False)
    transform = tft.TFTransformOutput(str(trained.stages.path("Transform", "transform_graph")))
    normalization = normalization_of(transform, trained.experiment.preprocessing)
    extra = Path(model.uri) / "Format-Serving" / "assets.extra"
    pixels = np.stack(list(trained.images.values()))
    (extra / "model_float16.tflite").write_bytes(convert(network, normalization, "float16", pixels))
    (extra / "model_int8.tflite").write_bytes(b"no model")
    verdict, _ = tried(trained, tmp_path, model)
    assert [check.name for check in verdict.checks if check.passed][-1] == "tflite float16"
    [failure] = verdict.failures()
    assert failure.startswith("tflite int8: ValueError")


def test_a_split_without_images_is_told(trained: Sample, tmp_path: Path) -> None:
    """With the key that chooses another."""
    empty = standard_artifacts.Examples()
    empty.uri, empty.split_names = str(tmp_path / "empty"), '["test"]'
    (tmp_path / "empty" / "Split-test").mkdir(parents=True)
    tf.io.TFRecordWriter(str(tmp_path / "empty" / "Split-test" / "a.tfrecord")).close()
    outputs = trained.stages.outputs
    inputs = {
        "model": [outputs["Trainer"]["model"]],
        "examples": [empty],
        "transform_graph": [outputs["Transform"]["transform_graph"]],
    }
    with pytest.raises(StageError, match=r"the split test holds no image to try the model with"):
        Executor().Do(inputs, {}, {"canary": Canary().model_dump_json(), "split": "test"})
