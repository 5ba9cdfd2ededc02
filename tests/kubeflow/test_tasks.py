from __future__ import annotations

from kubeflow.tasks import report_task, tasks_of
from schemas.experiment import Experiment

NODES = ["ImageExampleGen", "StatisticsGen", "WarmStart", "LastData", "DataGate", "Transform", "Trainer", "Baseline"]
NODES += ["Evaluator", "Pusher"]
RESOLVERS = ["WarmStart", "LastData", "Baseline"]


def dealt(**kubeflow: object) -> dict[str, tuple[str, ...]]:
    stated = {"name": "e", "data": {"dataset": "digits"}, "kubeflow": kubeflow}
    return {task.name: task.nodes for task in tasks_of(NODES, RESOLVERS, Experiment.model_validate(stated))}


def test_neighbours_share_a_task() -> None:
    """Three, however the nodes of different stages lie among each other."""
    assert dealt() == {
        "data": ("ImageExampleGen", "StatisticsGen", "LastData", "DataGate", "Transform"),
        "training": ("WarmStart", "Trainer"),
        "release": ("Baseline", "Evaluator", "Pusher"),
    }


def test_what_asks_for_something_else_is_alone() -> None:
    """With its resolver; the neighbours on each side of it share a task each."""
    assert dealt(nodes={"DataGate": {"memory": "8Gi"}}) == {
        "data-to-statistics-gen": ("ImageExampleGen", "StatisticsGen"),
        "data-gate": ("LastData", "DataGate"),
        "transform": ("Transform",),
        "training": ("WarmStart", "Trainer"),
        "release": ("Baseline", "Evaluator", "Pusher"),
    }


def test_the_same_said_twice_parts_nobody() -> None:
    """It is what a node gets that counts, not where that is said."""
    assert list(dealt(memory="8Gi", nodes={"DataGate": {"memory": "8Gi"}})) == ["data", "training", "release"]


def test_a_task_for_each_node() -> None:
    """Resolvers make no pods of their own."""
    assert list(dealt(tasks="node")) == [
        "image-example-gen",
        "statistics-gen",
        "data-gate",
        "transform",
        "trainer",
        "evaluator",
        "pusher",
    ]


def test_the_report_gets_what_it_asks_for() -> None:
    """By its row's name."""
    stated = {"name": "e", "data": {"dataset": "digits"}, "kubeflow": {"nodes": {"RunReport": {"memory": "1Gi"}}}}
    task = report_task(Experiment.model_validate(stated))
    assert (task.name, task.nodes, task.pod.memory, task.pod.cpu) == ("report", (), "1Gi", 1.0)
