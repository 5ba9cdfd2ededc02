"""Searches in order: the learning rate, then the hyperparameters, then what they come to on other splits."""

from __future__ import annotations

import hashlib
import json
import posixpath
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.errors import TrainingError
from components.image_example_gen.report import read_report
from components.image_example_gen.shards import split_uri
from components.networks.weights import BASE_WEIGHTS_FILE, NATIVE, NETWORK_FILE
from components.training.request import TrainingRequest
from components.tuner.cross_validation import cross_validate
from components.tuner.results import Tuned, write_results
from components.tuner.search import search
from components.tuner.space import searched_space
from components.tuner.sweep import sweep
from components.tuner.trainings import Trainings
from components.tuner.workers import Workers
from schemas.augmentation import Augmentation
from schemas.hyperparameters import Sections, apply
from schemas.model import Model
from schemas.preprocessing import Preprocessing
from schemas.training import Training
from schemas.tuning import Tuning

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Trains shortly and often, in processes of their own, and goes on where a killed search left off."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Writes the best hyperparameters, the table of trials and the summary.

        Raises:
          DataError: there are fewer images than folds, or the examples were not made by ImageExampleGen.
          TrainingError: no training succeeds.
        """
        tuning = Tuning.model_validate_json(exec_properties["tuning"])
        request = request_of(input_dict, exec_properties)
        directory = _working_directory(input_dict, exec_properties)
        with Workers(tuning.parallel, request.training.deterministic) as workers:
            tuned = tune(tuning, request, Trainings(directory / "trainings", workers), directory)
        write_results(
            tuned,
            artifact_utils.get_single_uri(output_dict["best_hyperparameters"]),
            artifact_utils.get_single_uri(output_dict["tuner_results"]),
        )
        shutil.rmtree(directory, ignore_errors=True)


def tune(tuning: Tuning, request: TrainingRequest, trainings: Trainings, directory: Path) -> Tuned:
    """Sweeps, searches and cross-validates, as far as that is asked for; each with what was found before.

    Args:
      tuning: the experiment's section.
      request: the training of the experiment.
      trainings: carry the short trainings out.
      directory: where state is kept.
    """
    tuned = Tuned()
    if tuning.sweep is not None:
        tuned.take_sweep(sweep(tuning.sweep, _short(request, tuned, tuning), trainings))
    if tuning.search is not None:
        space = searched_space(tuning.search, rate_is_chosen=tuning.sweep is not None)
        tuned.take_search(search(tuning.search, space, _short(request, tuned, tuning), trainings, directory))
    if tuning.cross_validation is not None:
        tuned.validated = cross_validate(tuning.cross_validation, _with_found(request, tuned), trainings, directory)
    return tuned


def request_of(inputs: Artifacts, properties: dict[str, Any]) -> TrainingRequest:
    """The training of the experiment, without a place for checkpoints.

    Raises:
      DataError: the examples were not made by ImageExampleGen.
      TrainingError: the model to start from has no native file.
    """
    examples_uri = artifact_utils.get_single_uri(inputs["examples"])
    report = read_report(examples_uri)
    labels = report.labels(json.loads(properties["labels"]))
    training = Training.model_validate_json(properties["training"])
    request = TrainingRequest(
        train_files=(posixpath.join(split_uri(examples_uri, "train"), "*"),),
        eval_files=(posixpath.join(split_uri(examples_uri, "eval"), "*"),),
        transform_directory=artifact_utils.get_single_uri(inputs["transform_graph"]),
        num_train=report.num_examples["train"],
        num_eval=report.num_examples["eval"],
        labels=tuple(labels),
        class_counts=report.counts_of("train", len(labels)),
        preprocessing=Preprocessing.model_validate_json(properties["preprocessing"]),
        model=Model.model_validate_json(properties["model"]),
        augmentation=Augmentation.model_validate_json(properties["augmentation"]),
        training=training,
    )
    return request.model_copy(update=_initial(inputs, properties, training))


def _initial(inputs: Artifacts, properties: dict[str, Any], training: Training) -> dict[str, str | None]:
    """Where the first weights are from, as for the Trainer."""
    if not inputs.get("base_model"):
        return {"initial_base": properties["base_weights"] or None}
    uri = artifact_utils.get_single_uri(inputs["base_model"])
    path = posixpath.join(uri, NATIVE, NETWORK_FILE if training.warm_start else BASE_WEIGHTS_FILE)
    if not Path(path).exists():
        raise TrainingError(f"{path} is missing: the last blessed model cannot be started from")
    return {"initial_network" if training.warm_start else "initial_base": path}


def _with_found(request: TrainingRequest, tuned: Tuned) -> TrainingRequest:
    sections = apply(Sections(request.model, request.training, request.augmentation), tuned.values)
    return request.model_copy(update=sections._asdict())


def _short(request: TrainingRequest, tuned: Tuned, tuning: Tuning) -> TrainingRequest:
    found = _with_found(request, tuned)
    if tuning.steps_per_epoch is None:
        return found
    training = found.training.model_copy(update={"steps_per_epoch": tuning.steps_per_epoch})
    return found.model_copy(update={"training": training})


def _working_directory(inputs: Artifacts, properties: dict[str, Any]) -> Path:
    """A place for all attempts at this very search: same code, same inputs, same sections."""
    uris = {name: [artifact.uri for artifact in artifacts] for name, artifacts in inputs.items()}
    stated = json.dumps([uris, properties], sort_keys=True)
    root = Path(properties["checkpoint_directory"])
    return root / f"tuner-{hashlib.sha256(stated.encode()).hexdigest()[:16]}"
