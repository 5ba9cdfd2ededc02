"""Tries the exported model, and says whether it may be pushed."""

from __future__ import annotations

import logging
import os
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.canary.images import broken_files, odd_images, real_images
from components.canary.plan import Plan
from components.canary.process import ServerProcess
from components.canary.training_side import expected_answers
from components.canary.verdict import VERDICT_NAME, Verdict, judge, refusal
from components.errors import StageError
from components.servable import read_labels
from components.warm_up import read_warm_up
from schemas import features
from schemas.canary import Canary

_LOGGER = logging.getLogger(__name__)

# As TFX's InfraValidator writes them.
BLESSED_NAME = "INFRA_BLESSED"
NOT_BLESSED_NAME = "INFRA_NOT_BLESSED"
BLESSED = "blessed"


class Executor(base_executor.BaseExecutor):
    """Writes TFX's InfraBlessing, and all checks and figures as `canary.json` beside it."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Raises StageError where the split holds no image to try the model with."""
        canary = Canary.model_validate_json(exec_properties["canary"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        graph = artifact_utils.get_single_uri(input_dict["transform_graph"])
        with ServerProcess() as server:
            verdict = _try(server, model.uri, examples, graph, exec_properties["split"], canary)
        for check in verdict.checks:
            _LOGGER.info("%s: %s: %s", "passed" if check.passed else "FAILED", check.name, check.message)
        blessing = artifact_utils.get_single_instance(output_dict["infra_blessing"])
        with fileio.open(os.path.join(blessing.uri, VERDICT_NAME), "w") as file:
            file.write(verdict.to_json())
        io_utils.write_string_file(os.path.join(blessing.uri, BLESSED_NAME if verdict.passed else NOT_BLESSED_NAME), "")
        blessing.set_int_custom_property(BLESSED, int(verdict.passed))


def _try(
    server: ServerProcess, model_uri: str, examples: types.Artifact, graph: str, split: str, canary: Canary
) -> Verdict:
    servable = path_utils.serving_model_path(model_uri)
    labels = read_labels(servable)
    shards = sorted(fileio.glob(os.path.join(artifact_utils.get_split_uri([examples], split), "*")))
    images = real_images(shards, canary.images, len(labels))
    if not images.files:
        raise StageError(f"the split {split} holds no image to try the model with; choose another in evaluation.split")
    expected = expected_answers(model_uri, graph, images.examples)
    lite = {kind: os.path.join(servable, name) for kind, name in features.LITE_MODELS.items()}
    plan = Plan(
        model=servable,
        answer="",
        signatures=(features.SERVING_SIGNATURE, features.EXAMPLES_SIGNATURE),
        files=images.files,
        examples=images.examples,
        odd=odd_images(),
        broken=broken_files(images.files[0]),
        warm_up=read_warm_up(servable),
        lite={kind: path for kind, path in lite.items() if fileio.exists(path)},
        pixels=expected.pixels,
    )
    try:
        answer = server.try_model(plan, canary.max_seconds)
    except StageError as error:
        return refusal(str(error))
    return judge(answer, expected.probabilities, images.are_files, [labels[label] for label in images.labels], canary)
