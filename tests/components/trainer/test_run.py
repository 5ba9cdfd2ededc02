from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.errors import DataError
from components.trainer.run import run_fn
from schemas import features
from tests.components.images import read_examples

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def arguments(sample: Sample, directory: Path, **training: Any) -> FnArgs:
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
            "preprocessing": experiment.preprocessing.model_dump_json(),
            "model": experiment.model.model_dump_json(),
            "training": changed.model_dump_json(),
            "experiment": '{"digest": "0"}',
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
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
        ("loss", "accuracy", "val_loss", "val_accuracy"), trained.experiment.training.epochs
    )
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
    assert history_of(tmp_path / "run") == history_of(trained.stages.path("Trainer", "model_run"))


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
