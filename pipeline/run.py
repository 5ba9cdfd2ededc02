"""Runs an experiment from the data to the push, node by node: in one process, or in several after each other."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from components.pusher.publication import Standing
from pipeline.capture import captured
from pipeline.conclusion import note_version, standing_of_model, try_to_summarize
from pipeline.decisions import Decisions
from pipeline.failures import describe, is_about_data
from pipeline.interruption import AS_ASKED, is_to_end_after_node
from pipeline.nodes import LOADING, PUSHER, RUN_REPORT, TRAINER
from pipeline.nothing_new import basis_of, conditions_of
from pipeline.opening import mend_workspace, open_pipeline
from pipeline.paths import Paths
from pipeline.progress import Progress, listening
from pipeline.record import (
    EXECUTED,
    FAILED,
    RUNNING,
    SKIPPED,
    STOPPED_BY_GATE,
    NodeRecord,
    RunRecord,
    read_record,
)
from pipeline.report.attempt import try_to_report
from pipeline.report.material import Material
from schemas.experiment import Experiment

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2
    from tfx.types import Artifact

    from pipeline.artifacts import Artifacts
    from pipeline.execution import CompiledPipeline, NodeOutcome

_SUMMARY = "summary"


class Run:
    """One run: what it has done so far, and its record."""

    def __init__(
        self,
        experiment: Experiment,
        paths: Paths,
        progress: Progress,
        run_id: str,
        *,
        decisions: Decisions | None = None,
        arguments: Sequence[str] = (),
        connection: metadata_store_pb2.ConnectionConfig | None = None,
        artifacts: Artifacts | None = None,
    ) -> None:
        """Starts nothing yet.

        Args:
          experiment: validated.
          paths: where its results go.
          progress: is told how it goes.
          run_id: of a new run, or of one that goes on where an earlier process left it.
          decisions: what a person decided beforehand.
          arguments: with which other commands find the experiment and its workspace.
          connection: to ML Metadata. Default: the workspace's own file; then the run has the workspace for itself, and
            mends what runs that died have left there.
          artifacts: where they are kept. Default: in the workspace.
        """
        self._decisions = decisions or Decisions()
        self.experiment = experiment
        self._paths = paths
        self._progress = progress
        self._compile = partial(open_pipeline, experiment, paths, run_id, connection, artifacts)
        self._owns_workspace = connection is None
        self._compiled: CompiledPipeline | None = None
        self._done: dict[str, NodeOutcome] = {}
        self._serving = paths.published(experiment)
        self._standing: Standing | None = None
        self._clock = time.monotonic()
        self.record = read_record(paths.runs, run_id) or RunRecord(
            run_id=run_id,
            experiment=experiment.name,
            digest=experiment.digest(),
            started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            conditions=conditions_of(experiment, paths),
            arguments=list(arguments),
        )
        self._seconds_before = self.record.seconds

    def execute(self) -> RunRecord:
        """Runs all nodes, or all until one fails or its verdict stops the run; then reports.

        Nothing that a node does raises, nor Ctrl-C: the record tells how the run ended.
        """
        try:
            if self._begin():
                self._launch_all(self.nodes)
        finally:
            self.conclude()
        return self.record

    def execute_part(self, nodes: Sequence[str] | None = None) -> RunRecord:
        """Runs some nodes of a run that others, or earlier attempts, have begun; what is done is not done again.

        Args:
          nodes: in an order in which they can run. Default: all.

        Returns:
          The record; its status is `running` where the run goes on.
        """
        if self._begin():
            unknown = [node for node in nodes or () if node not in self.nodes]
            if unknown:
                self.record.status = FAILED
                self.record.message = f"no {' and no '.join(unknown)} in this pipeline: {', '.join(self.nodes)}"
                self._keep()
            else:
                self._launch_all(self.nodes if nodes is None else nodes)
        return self.record

    def conclude(self) -> RunRecord:
        """Sums up and reports, when nobody works on the run any more: `running`, it was cut off."""
        if self._compiled is None and (self.record.nodes or not self.record.message):
            self._look_back()
        if self.record.status == RUNNING or (self.record.status == FAILED and not self.record.message):
            self.record.cut_off()
        for node in self._shown():
            if node not in self.record.nodes:
                self._end(node, SKIPPED, 0.0)
        # Before the report, which compares the records of all runs, and once more with where it lies.
        if self._compiled is not None:
            try_to_summarize(self.record, self.experiment, self._paths, self._results(), self._log(_SUMMARY))
        self._keep()
        self._report()
        self.record.basis = basis_of(self.record, self._paths, self._results())
        self._keep()
        return self.record

    @property
    def nodes(self) -> list[str]:
        """All nodes, in the order in which they can run; empty before the pipeline is loaded."""
        return self._compiled.nodes if self._compiled else []

    def _shown(self) -> list[str]:
        return [node for node in self.nodes if self._compiled and not self._compiled.is_resolver(node)]

    def _keep(self) -> None:
        self.record.seconds = round(self._seconds_before + time.monotonic() - self._clock, 1)
        try:
            self.record.write(self._paths.runs)
        except OSError as error:
            if not self._owns_workspace:
                # The next part of the run would know nothing of this one.
                raise
            # Whatever becomes of the run, a person is told by the command's last lines.
            self.record.warn(describe("the run's record", error))

    def _log(self, name: str) -> Path:
        return self._paths.runs / self.record.run_id / f"{name}.log"

    def _begin(self) -> bool:
        self.record.status, self.record.message, self.record.log = RUNNING, None, None
        self._keep()
        is_open = self._open()
        # On Kubeflow another process reports, and knows only what is written.
        self._keep()
        return is_open

    def _look_back(self) -> None:
        """Opens a run that other processes worked on, and ends what they have left; how it ended stays as it is."""
        ended = self.record.status, self.record.message, self.record.log
        if not self._open():
            self.record.warn(f"not all of the run could be looked at: {self.record.message}")
        elif not self._owns_workspace and self._compiled is not None:
            for node in self._compiled.give_up():
                self.record.nodes.setdefault(node, NodeRecord(RUNNING, 0.0))
        self.record.status, self.record.message, self.record.log = ended

    def _open(self) -> bool:
        """Imports the libraries, prepares the data set, compiles the pipeline, looks at what is done already."""
        self._progress.start(LOADING)
        began = time.monotonic()
        with captured(self._log(LOADING)):
            try:
                compiled = self._compile()
                if self._owns_workspace:
                    mend_workspace(compiled, self._paths, self.record.run_id)
                else:
                    self._done = compiled.finished()
                self._compiled = compiled
            except (Exception, KeyboardInterrupt) as error:
                self._fail(LOADING, error)
                self._progress.end(LOADING, FAILED, time.monotonic() - began)
                return False
        self._progress.end(LOADING, "done", time.monotonic() - began)
        return True

    def _launch_all(self, nodes: Sequence[str]) -> None:
        self._progress.plan([*(node for node in nodes if node in self._shown()), RUN_REPORT])
        for node in nodes:
            if node in self._shown() and is_to_end_after_node():
                self.record.status, self.record.message = FAILED, f"ended before {node}, {AS_ASKED}"
                break
            if not self._launch(node):
                break
        self._keep()

    def _launch(self, node: str) -> bool:
        """Runs one node, or takes over what it did; says whether the run goes on."""
        from pipeline.verdicts import gate_verdict, stop_after

        compiled = self._compiled
        assert compiled is not None
        is_shown = node in self._shown()
        attempts = self.record.nodes[node].attempts + 1 if node in self.record.nodes else 1
        if is_shown:
            self._progress.start(node)
            if node not in self._done:
                self.record.nodes[node] = NodeRecord(RUNNING, 0.0, attempts)
                self._keep()
        began = time.monotonic()
        with captured(self._log(node)), listening(self._progress):
            try:
                outcome = self._work(compiled, node)
                outputs = outcome.outputs
                stop = stop_after(outputs)
                if self._decisions.overrule(stop, outputs, compiled, self.record):
                    stop = None
                elif stop is None and (verdict := gate_verdict(outputs)) and verdict.findings:
                    self.record.warn(verdict.describe())
            except (Exception, KeyboardInterrupt) as error:
                self._fail(node, error)
                self._end(node, FAILED, time.monotonic() - began)
                return False
        self._done[node] = outcome
        if is_shown:
            self._end(node, outcome.state, time.monotonic() - began)
        if stop is not None:
            self.record.status, self.record.message = stop
        elif node == PUSHER:
            note_version(self.record, self._serving, outputs["pushed_model"][0], self._standing)
        return stop is None

    def _work(self, compiled: CompiledPipeline, node: str) -> NodeOutcome:
        """Launches a node, again where its failure may pass; one that this run has finished is not launched."""
        from pipeline.retrying import with_retries

        if node in self._done:
            return self._done[node]
        # The cache remembers pushes, but another model may have been pushed since, or a version removed.
        is_outdated = node == PUSHER and self._is_to_be_pushed()

        note = partial(self._note_attempt, node)
        return with_retries(self.experiment.retries, note, lambda: compiled.launch(node, from_cache=not is_outdated))

    def _note_attempt(self, node: str, error: BaseException, wait: float) -> None:
        self.record.warn(f"{describe(node, error)}\ntried again after {wait:g} s")
        if node in self.record.nodes:
            self.record.nodes[node].attempts += 1
            self._keep()

    def _is_to_be_pushed(self) -> bool:
        [model] = self._done[TRAINER].outputs["model"]
        self._standing = standing_of_model(model, self._serving)
        return self._standing.is_new

    def _end(self, node: str, state: str, seconds: float) -> None:
        before = self.record.nodes.get(node)
        if before is None or before.state in (RUNNING, FAILED):
            self.record.nodes[node] = NodeRecord(state, round(seconds, 2), before.attempts if before else 1)
        self._progress.end(node, state, seconds)

    def _fail(self, node: str, error: BaseException) -> None:
        traceback.print_exc(file=sys.stderr)
        self.record.status = STOPPED_BY_GATE if is_about_data(error) else FAILED
        self.record.message = describe(node, error)
        self.record.log = str(self._log(node))

    def material(self) -> Material:
        """What a report is made from."""
        kept = (self._compiled.connection, self._compiled.artifacts) if self._compiled else ()
        return Material(self.record, self.experiment, self._paths, self._results(), *kept)

    def _results(self) -> Mapping[str, Sequence[Artifact]]:
        return {name: artifacts for outcome in self._done.values() for name, artifacts in outcome.outputs.items()}

    def _report(self) -> None:
        """Writes the report, whatever the run came to; what goes wrong with it is a warning and no more."""
        self._progress.start(RUN_REPORT)
        began = time.monotonic()
        is_made = try_to_report(self.material(), self._log(RUN_REPORT))
        self._end(RUN_REPORT, EXECUTED if is_made else FAILED, time.monotonic() - began)
