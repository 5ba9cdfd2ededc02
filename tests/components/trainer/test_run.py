from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tfx.components.trainer.fn_args_utils import FnArgs

from components.errors import DataError, TrainingError
from components.trainer.run import request_of, run_fn
from schemas import features
from tests.components.images import read_examples

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def arguments(sample: Sample, directory: Path, checkpoints: Path | None = None, **training: Any) -> FnArgs:
    """What TFX would hand over for the sample, with changes to its training."""
    examples = sample.stages.path("ImageExampleGen", "examples")
    experiment = sample.experiment
    changed = type(experiment.training).model_validate({**experiment.training.model_dump(), **training})
    return FnArgs(
        train_files=[str(examples / "Split-train" / "*")],
        eval_files=[str(examples / "Split-eval" / "*")],
        transform_output=str(sample.stages.path("Transform", "transform_graph")),
        serving_model_dir=str(directory / "serving"),
        model_run_dir=str(directory / "run"),
        custom_config={
            "labels": experiment.data.labels,
            "preprocessing": experiment.resolved_preprocessing().model_dump_json(),
            "augmentation": experiment.augmentation.model_dump_json(),
            "model": experiment.model.model_dump_json(),
            "training": changed.model_dump_json(),
            "export": experiment.export.model_dump_json(),
            "base_weights": None,
            "checkpoint_directory": str(checkpoints) if checkpoints else None,
            "experiment": '{"digest": "0"}',
            "code_digest": "0",
        },
    )


def history_of(directory: Path) -> dict[str, list[float]]:
    history: dict[str, list[float]] = json.loads((directory / "history.json").read_text())
    return history


def steps_of(directory: Path) -> list[int]:
    """How many batches the network had learned from at the end of each epoch, as TensorBoard would show it."""
    [path] = directory.glob("validation/events.out.tfevents.*")
    events = map(tf.compat.v1.Event.FromString, tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    return [
        event.step for event in events for value in event.summary.value if value.tag == "evaluation_loss_vs_iterations"
    ]


def test_the_exported_model_is_the_best_that_was_trained(trained: Sample) -> None:
    """Over the eval split, the model's loss and accuracy through its own signature are those of the best epoch."""
    model = trained.stages.path("Trainer", "model")
    history = history_of(trained.stages.path("Trainer", "model_run"))
    best = int(np.argmin(history["val_loss"]))
    examples = read_examples(trained.stages.path("ImageExampleGen", "examples") / "Split-eval")
    labels = [example.features.feature[features.LABEL].int64_list.value[0] for example in examples]
    served = tf.saved_model.load(str(model / "Format-Serving")).signatures["serving_examples"]
    answer = served(tf.constant([example.SerializeToString() for example in examples]))
    chances = answer["probabilities"].numpy()[np.arange(len(labels)), labels]
    assert -np.log(chances).mean() == pytest.approx(history["val_loss"][best], rel=1e-4)
    assert np.mean(answer["class_id"].numpy() == labels) == pytest.approx(history["val_accuracy"][best])
    assert history["val_accuracy"][best] > 0.6


def test_the_training_leaves_its_history(trained: Sample) -> None:
    """Beside the model there are the figures of each epoch and TensorBoard's events; an epoch is the whole split."""
    run = trained.stages.path("Trainer", "model_run")
    history = history_of(run)
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} < set(history)
    assert {len(values) for values in history.values()} == {trained.experiment.training.epochs}
    examples = read_examples(trained.stages.path("ImageExampleGen", "examples") / "Split-train")
    steps = len(examples) // trained.experiment.training.batch_size
    assert steps_of(run) == [steps * epoch for epoch in range(1, trained.experiment.training.epochs + 1)]


def test_the_model_names_the_classes_of_the_data(trained: Sample) -> None:
    """Where the experiment lists no classes, they are called as in the data."""
    labels = trained.stages.path("Trainer", "model") / "Format-Serving" / "assets" / "labels.txt"
    assert labels.read_text().split() == ["dark", "medium", "bright"]


def test_training_again_gives_the_same(trained: Sample, tmp_path: Path) -> None:
    """In a process that has trained before, the same seed over the same data gives the same figures."""
    run_fn(arguments(trained, tmp_path))
    again, first = history_of(tmp_path / "run"), history_of(trained.stages.path("Trainer", "model_run"))
    assert {**again, "seconds": []} == {**first, "seconds": []}


def test_fewer_images_than_a_batch_are_one_batch(prepared: Sample, tmp_path: Path) -> None:
    """Where the training split does not fill a batch it is one; an epoch has as many of them as are asked for."""
    run_fn(arguments(prepared, tmp_path, batch_size=1000, epochs=2, steps_per_epoch=3, feeder="disk"))
    assert len(history_of(tmp_path / "run")["loss"]) == 2
    assert steps_of(tmp_path / "run") == [3, 6]
    assert (tmp_path / "serving" / "saved_model.pb").exists()


def test_foreign_examples_are_refused(prepared: Sample, tmp_path: Path) -> None:
    """Examples without ingestion's report are told as such, with the place."""
    wrong = arguments(prepared, tmp_path)
    wrong.train_files = [str(tmp_path / "examples" / "Split-train" / "*")]
    with pytest.raises(DataError, match=r"examples/ingestion\.json is missing: .* not made by ImageExampleGen"):
        run_fn(wrong)


def test_hyperparameters_go_before_the_experiment(prepared: Sample, tmp_path: Path) -> None:
    """What a search has found is trained with, and travels with the model."""
    found = arguments(prepared, tmp_path, epochs=1)
    found.hyperparameters = {"values": {"training.learning_rate": 0.5, "model.dropout": 0.1}, "space": []}
    request = request_of(found)
    assert (request.training.learning_rate, request.model.dropout) == (0.5, 0.1)
    run_fn(found)
    assert history_of(tmp_path / "run")["learning_rate"] == [0.5]
    told = json.loads((tmp_path / "serving" / "assets" / "experiment.json").read_text())
    assert told["hyperparameters"] == found.hyperparameters["values"]


@pytest.mark.long
def test_checkpoints_are_kept_by_what_they_are_of(prepared: Sample, tmp_path: Path) -> None:
    """Another attempt at the same training has the same place, which goes when another training begins."""
    checkpoints = tmp_path / "checkpoints"
    run_fn(arguments(prepared, tmp_path / "1", checkpoints, epochs=2))
    [first] = checkpoints.iterdir()
    run_fn(arguments(prepared, tmp_path / "2", checkpoints, epochs=2))
    assert [path.name for path in checkpoints.iterdir()] == [first.name]
    assert json.loads((tmp_path / "2" / "run" / "training.json").read_text())["resumed_from_epoch"] == 2
    run_fn(arguments(prepared, tmp_path / "3", checkpoints, epochs=1))
    [other] = checkpoints.iterdir()
    assert other.name != first.name


@pytest.mark.parametrize("is_warm_start", [True, False])
def test_an_earlier_model_is_started_from(is_warm_start: bool, prepared: Sample, tmp_path: Path) -> None:
    """A base model gives the whole network to a warm start, its base alone where that is asked for."""
    run_fn(arguments(prepared, tmp_path / "model-1", epochs=1))
    later = arguments(prepared, tmp_path / "model-2", epochs=1, warm_start=is_warm_start)
    later.base_model = str(tmp_path / "model-1" / "serving")
    request = request_of(later)
    native = tmp_path / "model-1" / "native"
    expected = (str(native / "model.keras"), None) if is_warm_start else (None, str(native / "base.weights.h5"))
    assert (request.initial_network, request.initial_base) == expected
    assert (native / "architecture.json").exists()


def test_a_model_without_native_files_cannot_be_started_from(prepared: Sample, tmp_path: Path) -> None:
    """Which file is missing is told."""
    later = arguments(prepared, tmp_path, warm_start=True)
    later.base_model = str(tmp_path / "gone" / "serving")
    with pytest.raises(TrainingError, match=r"gone/native/model\.keras is missing"):
        request_of(later)


def test_an_augmented_training_exports_no_augmentation(prepared: Sample, tmp_path: Path) -> None:
    """The exported graph has no random operation, whatever the training did to its images."""
    varied = arguments(prepared, tmp_path, epochs=1)
    varied.custom_config["augmentation"] = json.dumps({"flip": "both", "rotation": 20, "contrast": 0.3, "mixup": 0.2})
    run_fn(varied)
    message = saved_model_pb2.SavedModel.FromString((tmp_path / "serving" / "saved_model.pb").read_bytes())
    graph = message.meta_graphs[0].graph_def
    operations = {node.op for function in graph.library.function for node in function.node_def}
    assert "Conv2D" in operations
    assert not [name for name in operations if "Random" in name]


def test_lite_models_travel_with_the_model(prepared: Sample, tmp_path: Path) -> None:
    """Asked for by the experiment, they lie beside the SavedModel; with no warm-up asked for, there is none."""
    asked = arguments(prepared, tmp_path, epochs=1)
    asked.custom_config["export"] = json.dumps({"warm_up": [], "tflite": ["float16", "int8"]})
    run_fn(asked)
    extras = tmp_path / "serving" / "assets.extra"
    assert sorted(path.name for path in extras.iterdir()) == ["model_float16.tflite", "model_int8.tflite"]
    runner = tf.lite.Interpreter(str(extras / "model_int8.tflite")).get_signature_runner("serving_default")
    assert runner(pixels=np.zeros((1, 8, 8, 1), np.uint8))["probabilities"].shape == (1, 3)
