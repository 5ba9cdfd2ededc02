"""Publishes a blessed model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.errors import StageError
from components.lineage import PUSHED_DESTINATION, PUSHED_VERSION
from components.pusher.publication import publish
from components.pusher.serving_directory import open_directory
from schemas.push import Push

_LOGGER = logging.getLogger(__name__)


class Executor(base_executor.BaseExecutor):
    """Writes `<serving directory>/<version>`, unless the model is live already or was rolled back there."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Raises StageError for a model that is not blessed, or that the Canary refused.

        The artifact's property `pushed` is 1 where the version is new, as TFX's own Pusher has it.
        """
        blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
        if blessing.get_int_custom_property("blessed") != 1:
            raise StageError("the model is not blessed and is not pushed")
        for tried in input_dict.get("infra_blessing", []):
            if tried.get_int_custom_property("blessed") != 1:
                raise StageError("the model was refused by the canary and is not pushed")
        model = artifact_utils.get_single_instance(input_dict["model"])
        serving = open_directory(exec_properties["serving_directory"])
        push = Push.model_validate_json(exec_properties["push"])
        servable = Path(path_utils.serving_model_path(model.uri))
        publication = publish(servable, serving, push, exec_properties["model_name"])
        _LOGGER.info("version %d, new: %s", publication.version, publication.pushed)

        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        pushed.set_int_custom_property("pushed", int(publication.pushed))
        pushed.set_string_custom_property(PUSHED_DESTINATION, f"{serving.location}/{publication.version}")
        pushed.set_string_custom_property(PUSHED_VERSION, str(publication.version))
