"""The Trainer's entry: reads what TFX hands over, trains, exports."""

from __future__ import annotations

import hashlib
import json
import posixpath
import shutil
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow_transform as tft
from tfx.components.trainer import fn_args_utils
from tfx.dsl.io import fileio

from components.durability import make_directories
from components.errors import TrainingError
from components.image_example_gen.report import read_report
from components.networks.network import build_network
from components.networks.weights import BASE_WEIGHTS_FILE, NATIVE, NETWORK_FILE
from components.trainer.export import Servable, export
from components.trainer.extras import write_extras
from components.training.cluster import needs_own_processes, train_apart
from components.training.feeds import settle
from components.training.request import TrainingRequest
from components.training.training import TrainingResult, train
from components.whole_files import write_whole
from schemas.augmentation import Augmentation
from schemas.export import Export
from schemas.hyperparameters import Sections, apply
from schemas.model import Model
from schemas.preprocessing import Preprocessing
from schemas.training import Training

HISTORY_NAME = "history.json"
DIAGNOSTICS_NAME = "diagnostics.json"
SUMMARY_NAME = "training.json"
_FINISHED = "finished"
_SETTLED = "training.json"


def run_fn(arguments: fn_args_utils.FnArgs) -> None:
    """The Trainer stage's function.

    Raises:
      DataError: the examples were not made by ImageExampleGen.
      TrainingError: the training went wrong.
    """
    request = request_of(arguments)
    checkpoints = _checkpoint_directory(request, arguments)
    if checkpoints is not None:
        _remove_finished(checkpoints)
        request = _settled(request, checkpoints).model_copy(update={"checkpoint_directory": str(checkpoints)})
    network, result = _train(request, checkpoints)
    _tell(result, arguments.model_run_dir)
    transform = tft.TFTransformOutput(request.transform_directory)
    experiment = json.loads(arguments.custom_config["experiment"])
    if arguments.hyperparameters:
        experiment["hyperparameters"] = arguments.hyperparameters["values"]
    export(
        Servable(network, transform, request.labels),
        arguments.serving_model_dir,
        request.labels,
        json.dumps(experiment, indent=1, sort_keys=True),
    )
    extras = Export.model_validate_json(arguments.custom_config["export"])
    write_extras(arguments.serving_model_dir, network, request, extras)
    keras.backend.clear_session()
    if checkpoints is not None:
        (checkpoints / _FINISHED).touch()


def request_of(arguments: fn_args_utils.FnArgs) -> TrainingRequest:
    """The training that TFX's arguments ask for, without a place for checkpoints.

    Raises:
      DataError: the examples were not made by ImageExampleGen.
      TrainingError: the model to start from has no native file.
    """
    config = arguments.custom_config
    sections = apply(
        Sections(
            Model.model_validate_json(config["model"]),
            Training.model_validate_json(config["training"]),
            Augmentation.model_validate_json(config["augmentation"]),
        ),
        arguments.hyperparameters["values"] if arguments.hyperparameters else {},
    )
    report = read_report(posixpath.dirname(posixpath.dirname(arguments.train_files[0])))
    labels = report.labels(config["labels"])
    start = _start(arguments, sections.training)
    return TrainingRequest(
        train_files=tuple(arguments.train_files),
        eval_files=tuple(arguments.eval_files),
        transform_directory=arguments.transform_output,
        num_train=report.num_examples["train"],
        num_eval=report.num_examples["eval"],
        labels=tuple(labels),
        class_counts=report.counts_of("train", len(labels)),
        preprocessing=Preprocessing.model_validate_json(config["preprocessing"]),
        model=sections.model,
        training=sections.training,
        augmentation=sections.augmentation,
        initial_base=start.base,
        initial_network=start.network,
        log_directory=arguments.model_run_dir,
        native_directory=posixpath.join(posixpath.dirname(arguments.serving_model_dir), NATIVE),
    )


def _train(request: TrainingRequest, checkpoints: Path | None) -> tuple[keras.Model, TrainingResult]:
    if not needs_own_processes(request):
        return train(request)
    if checkpoints is None:
        raise TrainingError("training.workers and training.deterministic need a place for checkpoints")
    result = train_apart(request, checkpoints)
    # By its weights alone: the saved one may compute in 16 bits.
    network = build_network(request.model, request.preprocessing, request.num_classes)
    saved = keras.saving.load_model(posixpath.join(str(request.native_directory), NETWORK_FILE), compile=False)
    network.set_weights(saved.get_weights())
    return network, result


def _tell(result: TrainingResult, directory: str) -> None:
    content = result.to_json()
    for name, part in (
        (HISTORY_NAME, content["history"]),
        (DIAGNOSTICS_NAME, content["findings"]),
        (SUMMARY_NAME, content["summary"]),
    ):
        with fileio.open(posixpath.join(directory, name), "w") as file:
            file.write(json.dumps(part))


def _checkpoint_directory(request: TrainingRequest, arguments: fn_args_utils.FnArgs) -> Path | None:
    """A place for all attempts at this very training: same code, same inputs, same sections."""
    root = arguments.custom_config["checkpoint_directory"]
    if root is None:
        return None
    stated = request.model_dump_json(exclude={"log_directory", "native_directory"})
    digest = hashlib.sha256(f"{arguments.custom_config['code_digest']}\0{stated}".encode()).hexdigest()
    return Path(root) / digest[:16]


def _settled(request: TrainingRequest, checkpoints: Path) -> TrainingRequest:
    """What the first attempt has decided by the free memory holds for all that follow."""
    kept = checkpoints / _SETTLED
    if kept.exists():
        training = Training.model_validate_json(kept.read_text())
        return request.model_copy(update={"training": training})
    request = settle(request)
    write_whole(kept, request.training.model_dump_json())
    return request


def _remove_finished(own: Path) -> None:
    """Lets go of what earlier trainings needed while they were under way."""
    make_directories(own)
    for other in own.parent.iterdir():
        if other != own and (other / _FINISHED).exists():
            shutil.rmtree(other, ignore_errors=True)


class _Start(NamedTuple):
    """Where the first weights are from, unless `model.weights` says."""

    base: str | None = None
    network: str | None = None


def _start(arguments: fn_args_utils.FnArgs, training: Training) -> _Start:
    """An earlier model of this experiment, as a whole or its base, or another experiment's base."""
    if not arguments.base_model:
        return _Start(base=arguments.custom_config["base_weights"])
    name = NETWORK_FILE if training.warm_start else BASE_WEIGHTS_FILE
    path = posixpath.join(posixpath.dirname(arguments.base_model), NATIVE, name)
    if not fileio.exists(path):
        raise TrainingError(f"{path} is missing: the last blessed model cannot be started from")
    return _Start(network=path) if training.warm_start else _Start(base=path)
