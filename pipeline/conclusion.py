"""What is told of a run when its nodes are done, or one of them ended it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.pusher.publication import Standing, standing_of
from components.pusher.serving_directory import open_directory
from pipeline.capture import captured
from pipeline.nodes import PUSHER
from pipeline.paths import Paths
from pipeline.record import EXECUTED, PUSHED, UNCHANGED, RunRecord
from schemas.experiment import Experiment

if TYPE_CHECKING:
    from tfx.types import Artifact


def standing_of_model(model: Artifact, serving: str) -> Standing:
    """How a model stands among the versions.

    Args:
      model: the Trainer's output.
      serving: where versions are.
    """
    from tfx.utils import path_utils

    return standing_of(Path(path_utils.serving_model_path(model.uri)), open_directory(serving))


def note_version(record: RunRecord, serving: str, pushed: Artifact, standing: Standing | None) -> None:
    """Says in the record what became of the model.

    Args:
      record: of a run whose Pusher is done.
      serving: where versions are.
      pushed: the Pusher's output.
      standing: of the model, before; None where nobody looked.
    """
    record.serving_directory = serving
    if record.nodes[PUSHER].state == EXECUTED and pushed.get_int_custom_property("pushed") == 1:
        record.status = PUSHED
        record.pushed_version = int(pushed.get_string_custom_property("pushed_version"))
    else:
        record.status = UNCHANGED
        record.message = standing.describe() if standing else None


def try_to_summarize(
    record: RunRecord, experiment: Experiment, paths: Paths, outputs: Mapping[str, Sequence[Artifact]], log: Path
) -> None:
    """Fills the record's figures and writes a sample; what goes wrong with that is a warning and no more.

    Args:
      record: of the run.
      experiment: what was run.
      paths: where.
      outputs: artifacts of the nodes that are done, by the name of the output.
      log: takes what libraries print, and why something is missing.
    """
    with captured(log):
        try:
            _summarize(record, experiment, paths, outputs)
        except Exception:
            # What is pushed stays pushed, whatever becomes of the words about it.
            traceback.print_exc(file=sys.stderr)
            record.warn(f"figures or sample could not be had; log: {log}")


def _summarize(
    record: RunRecord, experiment: Experiment, paths: Paths, outputs: Mapping[str, Sequence[Artifact]]
) -> None:
    from components.evaluator.forcing import read_forced
    from components.evaluator.outcome import baseline_of, read_baseline_metrics, read_metrics
    from components.tuner.results import read_summary
    from pipeline.ingested import describe_examples
    from pipeline.sample import write_sample
    from pipeline.trained import describe_training, findings, negative_transfer

    if "examples" in outputs:
        record.data = describe_examples(outputs["examples"][0])
    if "tuner_results" in outputs:
        record.tuning = read_summary(outputs["tuner_results"][0].uri)
    if "model_run" in outputs:
        record.training = describe_training(outputs["model_run"][0])
        record.diagnostics = findings(outputs["model_run"][0])
        if told := negative_transfer(record.training):
            record.warn(told)
    if "evaluation" not in outputs:
        return
    record.forced = record.forced or read_forced(outputs["blessing"][0])
    record.metrics = read_metrics(outputs["evaluation"][0].uri)
    if its := read_baseline_metrics(outputs["evaluation"][0].uri):
        record.champion = {"model": baseline_of(outputs["blessing"][0]), "metrics": its}
    sample = write_sample(outputs["examples"][0], experiment.evaluation.split, paths.runs / record.run_id)
    record.sample = str(sample)
