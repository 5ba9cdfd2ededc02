"""Runs the ingestion and describes its result to TFX."""

from __future__ import annotations

from typing import Any

from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.errors import DataError
from components.image_example_gen.driver import FINGERPRINT
from components.image_example_gen.ingest import ingest
from components.image_example_gen.report import REPORT_NAME, IngestionReport
from components.image_example_gen.splitting import SPLITS
from components.image_example_gen.survey import survey
from components.lineage import INPUT_FINGERPRINT
from schemas.data import Data, Splits


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes `Split-train`, `Split-eval`, `Split-test`, the facts, and the report of what was refused."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Raises DataError where a split would be empty, or a class has two names."""
        data = Data.model_validate_json(exec_properties["data"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        found = survey(data, exec_properties["source"])
        report = ingest(found, data, examples.uri, exec_properties["quarantine"], self._make_beam_pipeline)
        with fileio.open(FileSystems.join(examples.uri, REPORT_NAME), "w") as file:
            file.write(report.to_json())
        _check_splits(report, data.splits)
        _check_names(report)

        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples.set_string_custom_property(INPUT_FINGERPRINT, exec_properties[FINGERPRINT])
        examples.span = found.span or 0
        examples.version = found.version or 0


def _check_splits(report: IngestionReport, splits: Splits) -> None:
    empty = [split for split in SPLITS if not report.num_examples[split]]
    if not empty:
        return
    counts = ", ".join(f"{split} {report.num_examples[split]}" for split in SPLITS)
    message = f"no usable example in the split{'s' if len(empty) > 1 else ''} {_and(empty)} ({counts})"
    if report.num_refused:
        raise DataError(f"{message}.\n{report.describe_refusals()}")
    stated = ", ".join(f"{name}: {getattr(splits, name)}" for name in empty if getattr(splits, name) is not None)
    raise DataError(f"{message}; give more images, or change data.splits" + (f" (now {stated})" if stated else ""))


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _check_names(report: IngestionReport) -> None:
    if report.conflicts:
        raise DataError(f"{report.conflicts[0]}; give every class one name in the data")
