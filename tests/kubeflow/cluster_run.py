"""Runs a compiled pipeline as a cluster would: each task the command that the file holds, in a process of its own.

Placeholders are filled by KFP's own local runner's code; order, retries and the task at the end follow its backend
(backend/src/v2/compiler/argocompiler/dag.go and container.go of Kubeflow Pipelines).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from google.protobuf import json_format
from kfp.local import executor_input_utils, graph_utils, placeholder_utils
from kfp.pipeline_spec import pipeline_spec_pb2

ROOT = Path(__file__).parents[2]
_TIMEOUT = 900


class Attempt(NamedTuple):
    """One process of a task."""

    task: str
    exit_status: int
    log: str


@dataclass
class ClusterRun:
    """One run of a compiled pipeline."""

    compiled: Path
    directory: Path
    """For what the launcher would upload."""
    run_id: str
    environment: Mapping[str, str]
    """Of every task, as its secrets would make it."""
    disturb: Callable[[str, int, subprocess.Popen[str]], None] = lambda *_: None
    """Is told of every process as it starts: task, number of the attempt from 0, process."""
    own_disk: Path | None = None
    """What only a pod sees, and is gone with it."""
    attempts: list[Attempt] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By task, what it wrote for KFP's pages."""

    def execute(self, **arguments: Any) -> str:
        """Runs all tasks; says SUCCEEDED or FAILED, as KFP's pages would.

        Args:
          arguments: of the pipeline, for those that are not to have their default.
        """
        [content, *_] = yaml.safe_load_all(self.compiled.read_text())
        spec = json_format.ParseDict(content, pipeline_spec_pb2.PipelineSpec())
        defaults = spec.root.input_definitions.parameters
        values = {name: json_format.MessageToDict(each.default_value) for name, each in defaults.items()}
        values.update(arguments)
        [handler] = [name for name, task in spec.root.dag.tasks.items() if not task.HasField("trigger_policy")]
        body = spec.components[spec.root.dag.tasks[handler].component_ref.name].dag
        ended = all(self._run(spec, name, task, values) for name, task in self._in_order(body))
        for name, task in spec.root.dag.tasks.items():
            if name != handler:
                ended = self._run(spec, name, task, values) and ended
        return "SUCCEEDED" if ended else "FAILED"

    def _in_order(self, dag: Any) -> list[tuple[str, Any]]:
        names = graph_utils.topological_sort_tasks(dag.tasks)
        return [(name, dag.tasks[name]) for name in reversed(names)]

    def _run(self, spec: Any, name: str, task: Any, values: Mapping[str, Any]) -> bool:
        for number in range(task.retry_policy.max_retry_count + 1):
            status = self._attempt(spec, name, task, values, number)
            if status == 0:
                return True
        return False

    def _attempt(self, spec: Any, name: str, task: Any, values: Mapping[str, Any], number: int) -> int:
        component = spec.components[task.component_ref.name]
        executors = json_format.MessageToDict(spec.deployment_spec)["executors"]
        container = executors[component.executor_label]["container"]
        given = {}
        for key, item in task.inputs.parameters.items():
            if item.HasField("component_input_parameter"):
                given[key] = values[item.component_input_parameter.removeprefix("pipelinechannel--")]
            else:
                given[key] = json_format.MessageToDict(item.runtime_value.constant)
        task_root = str(self.directory / self.run_id / name)
        executor_input = executor_input_utils.construct_executor_input(component, given, task_root, False)
        command = placeholder_utils.replace_placeholders(
            [*container["command"], *container["args"]],
            executor_input_utils.executor_input_to_dict(executor_input, component),
            "pipeline",
            name,
            str(self.directory),
            self.run_id,
        )
        if self.own_disk:
            shutil.rmtree(self.own_disk, ignore_errors=True)
        variables = {item["name"]: item["value"] for item in container.get("env", ())}
        process = subprocess.Popen(
            [sys.executable, *command[1:]],
            cwd=ROOT,
            env={**os.environ, **variables, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            self.disturb(name, number, process)
            log, _ = process.communicate(timeout=_TIMEOUT)
        finally:
            process.kill()
        self.attempts.append(Attempt(name, process.returncode, log))
        written = Path(executor_input.outputs.output_file)
        if written.is_file():
            self.outputs[name] = json_format.MessageToDict(
                json_format.Parse(written.read_text(), pipeline_spec_pb2.ExecutorOutput())
            )
        return process.returncode


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 300) -> None:
    """Waits until a condition holds; fails where the process ends before, or in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the process ended before"
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)
