"""Runs an experiment from the data to the push, node by node."""

from __future__ import annotations

import sys
import time
import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from components.identity import who
from components.pusher.publication import Standing, standing_of
from components.pusher.serving_directory import open_directory
from pipeline.capture import captured
from pipeline.nodes import PUSHER, RUN_REPORT, TRAINER
from pipeline.nothing_new import basis_of, conditions_of
from pipeline.paths import Paths
from pipeline.progress import Progress, listening
from pipeline.record import (
    EXECUTED,
    FAILED,
    NOT_BLESSED,
    PUSHED,
    SKIPPED,
    STOPPED_BY_GATE,
    UNCHANGED,
    NodeRecord,
    RunRecord,
    new_run_id,
)
from pipeline.report.attempt import try_to_report
from pipeline.report.material import Material
from schemas.experiment import Experiment

if TYPE_CHECKING:
    from tfx.types import Artifact

    from components.data_gate.verdict import Verdict
    from pipeline.execution import CompiledPipeline, Outputs

_LOADING = "loading"
_SUMMARY = "summary"


class Run:
    """One run: what it has done so far, and its record."""

    def __init__(
        self,
        experiment: Experiment,
        paths: Paths,
        progress: Progress,
        accept_data: str | None = None,
        force_bless: str | None = None,
    ) -> None:
        """Starts nothing yet.

        Args:
          experiment: validated.
          paths: where its results go.
          progress: is told how it goes.
          accept_data: why the run may go on against the data gate; None where it may not.
          force_bless: why the model is pushed although it is not blessed; None where it is not.
        """
        self._accept_data = accept_data
        self._force_bless = force_bless
        self._experiment = experiment
        self._paths = paths
        self._progress = progress
        self._outputs: dict[str, Outputs] = {}
        self._serving = paths.published(experiment)
        self._standing: Standing | None = None
        self.record = RunRecord(
            run_id=new_run_id(),
            experiment=experiment.name,
            digest=experiment.digest(),
            started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            conditions=conditions_of(experiment, paths),
        )

    def execute(self) -> RunRecord:
        """Runs all nodes, or all until one fails or its verdict stops the run.

        Nothing that a node does raises, nor Ctrl-C: the record tells how the run ended.
        """
        started = time.monotonic()
        compiled = None
        try:
            compiled = self._load()
            if compiled is not None:
                self._launch_all(compiled)
        finally:
            # Before the report, which compares the records of all runs, and once more with where it lies.
            self._keep(started)
            self._report(compiled)
            self.record.basis = basis_of(self.record, self._paths, self._results())
            self._keep(started)
        return self.record

    def _keep(self, started: float) -> None:
        self.record.seconds = round(time.monotonic() - started, 1)
        self.record.write(self._paths.runs)

    def _log(self, name: str) -> Path:
        return self._paths.runs / self.record.run_id / f"{name}.log"

    def _load(self) -> CompiledPipeline | None:
        """Imports the libraries, prepares the data set, compiles the pipeline."""
        self._progress.start(_LOADING)
        began = time.monotonic()
        with captured(self._log(_LOADING)):
            try:
                compiled = self._compile()
            except (Exception, KeyboardInterrupt) as error:
                self._fail(_LOADING, error)
                self.record.status = FAILED
                self._progress.end(_LOADING, FAILED, time.monotonic() - began)
                return None
        self._progress.end(_LOADING, "done", time.monotonic() - began)
        return compiled

    def _compile(self) -> CompiledPipeline:
        from pipeline.blessed import base_weights_of_another
        from pipeline.datasets.preparation import prepare
        from pipeline.execution import CompiledPipeline
        from pipeline.pipeline import create_pipeline

        if self._experiment.data.dataset:
            prepare(self._experiment.data.dataset, self._paths.datasets / self._experiment.data.dataset)
        base_weights = base_weights_of_another(self._experiment, self._paths)
        pipeline = create_pipeline(self._experiment, self._paths, base_weights)
        return CompiledPipeline(pipeline, self.record.run_id)

    def _launch_all(self, compiled: CompiledPipeline) -> None:
        shown = [node for node in compiled.nodes if not compiled.is_resolver(node)]
        self._progress.plan([*shown, RUN_REPORT])
        ended = False
        for node in compiled.nodes:
            if not ended:
                ended = not self._launch(compiled, node, node in shown)
            elif node in shown:
                self._end(node, SKIPPED, 0.0)
        self._conclude(ended)

    def _launch(self, compiled: CompiledPipeline, node: str, is_shown: bool) -> bool:
        """Runs one node; says whether the run goes on."""
        from pipeline.verdicts import gate_verdict, stop_after

        if is_shown:
            self._progress.start(node)
        began = time.monotonic()
        with captured(self._log(node)), listening(self._progress):
            try:
                # The cache remembers pushes, but another model may have been pushed since, or a version removed.
                is_outdated = node == PUSHER and self._is_to_be_pushed()
                state, outputs = compiled.launch(node, from_cache=not is_outdated)
                stop = stop_after(outputs)
                verdict = gate_verdict(outputs)
                if self._accept_data and verdict is not None and not verdict.passed and verdict.may_be_accepted:
                    self._accept(compiled, outputs["verdict"][0], verdict)
                    stop = verdict = None
                if self._force_bless and stop is not None and stop.status == NOT_BLESSED:
                    self._force(compiled, outputs["blessing"][0], stop.message)
                    stop = None
            except (Exception, KeyboardInterrupt) as error:
                self._fail(node, error)
                self._end(node, FAILED, time.monotonic() - began)
                return False
        self._outputs[node] = outputs
        if is_shown:
            self._end(node, state, time.monotonic() - began)
        if stop is not None:
            self.record.status, self.record.message = stop
        elif verdict is not None and verdict.findings:
            self.record.warnings.append(verdict.describe())
        return stop is None

    def _accept(self, compiled: CompiledPipeline, artifact: Artifact, verdict: Verdict) -> None:
        """Lets the run go on against the gate, and keeps who wanted that."""
        from components.data_gate.artifact import ACCEPTED

        self.record.accepted = _decision(str(self._accept_data), verdict.describe_findings())
        accepted = "{who}: {why}".format(**self.record.accepted)
        compiled.annotate(artifact, {ACCEPTED: accepted})
        self.record.warnings.append(f"{verdict.describe_findings()}\naccepted by {accepted}")

    def _force(self, compiled: CompiledPipeline, blessing: Artifact, verdict: str) -> None:
        """Blesses the model against the Evaluator, for good: it is what later ones are compared with."""
        from components.evaluator.forcing import forced_properties, mark_forced

        self.record.forced = _decision(str(self._force_bless), verdict)
        mark_forced(blessing.uri)
        compiled.annotate(blessing, forced_properties(self.record.forced))

    def _is_to_be_pushed(self) -> bool:
        from tfx.utils import path_utils

        [model] = self._outputs[TRAINER]["model"]
        servable = Path(path_utils.serving_model_path(model.uri))
        self._standing = standing_of(servable, open_directory(self._serving))
        return self._standing.is_new

    def _end(self, node: str, state: str, seconds: float) -> None:
        self.record.nodes[node] = NodeRecord(state, round(seconds, 2))
        self._progress.end(node, state, seconds)

    def _fail(self, node: str, error: BaseException) -> None:
        from pipeline.failures import describe, is_about_data

        traceback.print_exc(file=sys.stderr)
        self.record.status = STOPPED_BY_GATE if is_about_data(error) else FAILED
        self.record.message = describe(node, error)
        self.record.log = str(self._log(node))

    def _results(self) -> Outputs:
        return {name: artifacts for node in self._outputs.values() for name, artifacts in node.items()}

    def _conclude(self, ended: bool) -> None:
        outputs = self._results()
        if not ended:
            self._note_version(outputs)
        with captured(self._log(_SUMMARY)):
            try:
                self._summarize(outputs)
            except Exception:
                # What is pushed stays pushed, whatever becomes of the words about it.
                traceback.print_exc(file=sys.stderr)
                self.record.warnings.append(f"figures or sample could not be had; log: {self._log(_SUMMARY)}")

    def _report(self, compiled: CompiledPipeline | None) -> None:
        """Writes the report, whatever the run came to; what goes wrong with it is a warning and no more."""
        self._progress.start(RUN_REPORT)
        began = time.monotonic()
        connection = compiled.connection if compiled else None
        material = Material(self.record, self._experiment, self._paths, self._results(), connection)
        is_made = try_to_report(material, self._log(RUN_REPORT))
        self._end(RUN_REPORT, EXECUTED if is_made else FAILED, time.monotonic() - began)

    def _note_version(self, outputs: Outputs) -> None:
        self.record.serving_directory = self._serving
        [pushed] = outputs["pushed_model"]
        if self.record.nodes[PUSHER].state == EXECUTED and pushed.get_int_custom_property("pushed") == 1:
            self.record.status = PUSHED
            self.record.pushed_version = int(pushed.get_string_custom_property("pushed_version"))
        else:
            self.record.status = UNCHANGED
            self.record.message = self._standing.describe() if self._standing else None

    def _summarize(self, outputs: Outputs) -> None:
        from components.evaluator.forcing import read_forced
        from components.evaluator.outcome import read_metrics
        from components.tuner.results import read_summary
        from pipeline.ingested import describe_examples
        from pipeline.sample import write_sample
        from pipeline.trained import describe_training, findings, negative_transfer

        if "examples" in outputs:
            self.record.data = describe_examples(outputs["examples"][0])
        if "tuner_results" in outputs:
            self.record.tuning = read_summary(outputs["tuner_results"][0].uri)
        if "model_run" in outputs:
            self.record.training = describe_training(outputs["model_run"][0])
            self.record.diagnostics = findings(outputs["model_run"][0])
            if told := negative_transfer(self.record.training):
                self.record.warnings.append(told)
        if "evaluation" not in outputs:
            return
        self.record.forced = self.record.forced or read_forced(outputs["blessing"][0])
        self.record.metrics = read_metrics(outputs["evaluation"][0].uri)
        directory = self._paths.runs / self.record.run_id
        sample = write_sample(outputs["examples"][0], self._experiment.evaluation.split, directory)
        self.record.sample = str(sample)


def _decision(why: str, verdict: str) -> dict[str, str]:
    when = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"who": who(), "when": when, "why": why, "verdict": verdict}
