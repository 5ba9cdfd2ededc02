"""Publishes a blessed model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.errors import StageError
from components.pusher.publication import publish


class Executor(base_executor.BaseExecutor):
    """Writes `<serving directory>/<version>`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Raises StageError for a model that is not blessed."""
        blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
        if blessing.get_int_custom_property("blessed") != 1:
            raise StageError("the model is not blessed and is not pushed")
        model = artifact_utils.get_single_instance(input_dict["model"])
        serving_directory = Path(exec_properties["serving_directory"])
        version = publish(Path(path_utils.serving_model_path(model.uri)), serving_directory)

        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        pushed.set_string_custom_property("pushed_destination", str(serving_directory / str(version)))
        pushed.set_string_custom_property("pushed_version", str(version))
