"""Judges a model: one pass over the images, all metrics over every part of them, and TFMA's rules for a verdict."""

from __future__ import annotations

import logging
import os
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tensorflow_model_analysis.proto import validation_result_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.errors import StageError
from components.evaluator import files
from components.evaluator.configuration import BASELINE_NAME, BY_LABEL, CANDIDATE_NAME, evaluation_config
from components.evaluator.images import images_of
from components.evaluator.metrics import Analysis, Figures, Scores
from components.evaluator.predictions import write_predictions
from components.evaluator.scoring import ScoredModel, in_terms_of
from components.evaluator.slices import COLUMNS, parts_by
from schemas.evaluation import Evaluation

_LOGGER = logging.getLogger(__name__)

_Slices = dict[files.SliceKey, Figures]


class _Judged(NamedTuple):
    place: str
    slices: _Slices


class Executor(base_executor.BaseExecutor):
    """Writes TFMA's files, a table of predictions, and the blessing."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Raises StageError where the split holds no image."""
        evaluation = Evaluation.model_validate_json(exec_properties["rules"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        candidate = artifact_utils.get_single_instance(input_dict["model"])
        baseline = next(iter(input_dict.get("baseline_model", [])), None)
        output = artifact_utils.get_single_uri(output_dict["evaluation"])

        columns = [column for fact in evaluation.slices for column in COLUMNS[fact]]
        shards, images = images_of(examples.uri, evaluation.split, columns)
        if not images.num_rows:
            raise StageError(f"the split {evaluation.split} holds no image; choose another one in evaluation.split")
        parts = _parts(evaluation, images)

        model = ScoredModel(_servable(candidate))
        scores = model.score(shards)
        write_predictions(output, images, scores)
        judged = {CANDIDATE_NAME: _Judged(_servable(candidate), _sliced(scores, model.labels, parts, evaluation))}
        if baseline is not None:
            other = ScoredModel(_servable(baseline))
            its_scores = in_terms_of(other.score(shards), other.labels, model.labels)
            judged[BASELINE_NAME] = _Judged(_servable(baseline), _sliced(its_scores, model.labels, parts, evaluation))
        validation = _judge(output, judged, evaluation, examples.uri)
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        _bless(blessing, validation.validation_ok, candidate, baseline)


def _servable(model: types.Artifact) -> str:
    return path_utils.serving_model_path(model.uri)


def _parts(evaluation: Evaluation, images: pa.Table) -> dict[files.SliceKey, NDArray[np.bool_]]:
    return {((fact, name),): part for fact in evaluation.slices for name, part in parts_by(fact, images).items()}


def _sliced(
    scores: Scores, labels: tuple[str, ...], parts: dict[files.SliceKey, NDArray[np.bool_]], evaluation: Evaluation
) -> _Slices:
    """The metrics of one model over the whole split and every part of it."""
    analysis = Analysis(scores, evaluation.top_k)
    slices: _Slices = {(): analysis.overall()}
    slices.update({((BY_LABEL, labels[index]),): figures for index, figures in analysis.of_classes().items()})
    slices.update({key: analysis.within(part) for key, part in parts.items()})
    return slices


def _judge(
    output: str, judged: dict[str, _Judged], evaluation: Evaluation, examples_uri: str
) -> validation_result_pb2.ValidationResult:
    """Compares the models, and writes what came of it."""
    candidate, baseline = judged[CANDIDATE_NAME], judged.get(BASELINE_NAME)
    sizes: dict[str, dict[str, int]] = {BY_LABEL: {}, **{fact: {} for fact in evaluation.slices}}
    for key, figures in candidate.slices.items():
        for by, name in key:
            sizes[by][name] = int(figures["example_count"])
    sliced = {
        key: files.keyed(figures, baseline.slices[key] if baseline else None)
        for key, figures in candidate.slices.items()
    }
    config = evaluation_config(evaluation, sizes, baseline is not None)
    validation = files.validate(sliced, config)
    places = {name: model.place for name, model in judged.items()}
    files.write(output, sliced, validation, config, os.path.join(examples_uri, f"Split-{evaluation.split}"), places)
    return validation


def _bless(
    blessing: types.Artifact, is_blessed: bool, candidate: types.Artifact, baseline: types.Artifact | None
) -> None:
    """Writes the verdict as TFX's Evaluator does."""
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, candidate.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, candidate.id)
    if baseline is not None:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id)
    name = constants.BLESSED_FILE_NAME if is_blessed else constants.NOT_BLESSED_FILE_NAME
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    value = constants.BLESSED_VALUE if is_blessed else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    _LOGGER.info("blessed: %s", is_blessed)
