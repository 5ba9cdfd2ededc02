"""Which nodes share a task, and what each task's pod gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.nodes import RUN_REPORT
from schemas.experiment import Experiment
from schemas.kubeflow import Pod

DATA, TRAINING, RELEASE, REPORT = "data", "training", "release", "report"

_TRAINING = ("WarmStart", "Tuner", "Trainer")
_RELEASE = ("Baseline", "Evaluator", "Canary", "Pusher")
_ORDER = (DATA, TRAINING, RELEASE)


@dataclass(frozen=True)
class Task:
    """A few nodes that one pod works on, one after the other."""

    name: str
    nodes: tuple[str, ...]
    """In the order in which they can run; none for the report."""
    pod: Pod
    """Everything it gets, stated."""


def tasks_of(nodes: Sequence[str], resolvers: Sequence[str], experiment: Experiment) -> list[Task]:
    """Deals the nodes out to tasks, in the order in which these run.

    Args:
      nodes: of the pipeline, in an order in which they can run.
      resolvers: those of them that only look something up: they go with the node that follows.
      experiment: says whether neighbours share a task, and what each node gets.
    """
    ordered = sorted(nodes, key=lambda node: _ORDER.index(_stage(node)))
    units: list[tuple[str, ...]] = []
    waiting: tuple[str, ...] = ()
    for node in ordered:
        waiting = (*waiting, node)
        if node not in resolvers:
            units.append(waiting)
            waiting = ()
    settings = experiment.kubeflow
    if settings.tasks == "node":
        return [Task(_dashed(unit[-1]), unit, settings.pod_of(unit[-1])) for unit in units]
    tasks = []
    for stage, own in groupby(units, key=lambda unit: _stage(unit[-1])):
        alike = [list(group) for _, group in groupby(own, key=lambda unit: settings.pod_of(unit[-1]))]
        for group in alike:
            members = tuple(node for unit in group for node in unit)
            name = _dashed(members[-1]) if len(group) == 1 else f"{stage}-to-{_dashed(members[-1])}"
            tasks.append(Task(stage if len(alike) == 1 else name, members, settings.pod_of(members[-1])))
    return tasks


def report_task(experiment: Experiment) -> Task:
    """The task at the end, whatever the others came to."""
    return Task(REPORT, (), experiment.kubeflow.pod_of(RUN_REPORT))


def _stage(node: str) -> str:
    return TRAINING if node in _TRAINING else RELEASE if node in _RELEASE else DATA


def _dashed(node: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in node).lstrip("-")
