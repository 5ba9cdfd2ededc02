"""Measures how long a task of the cluster takes until its first executor works, against its imports alone.

python -m tests.bench.node_startup [--rounds 3]

Both begin with a new process. A task loads the experiment, reaches its database (a real MariaDB on loopback), compiles
the pipeline, and resolves its inputs; the other side imports the module of the same stage, and ends.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.databases import database
from tests.kubeflow.cluster_run import ClusterRun

ROOT = Path(__file__).parents[2]
LIMIT = 1.3
# The first node of each task, and the module of its executor.
_FIRST = {
    "data": ("ImageExampleGen", "components.image_example_gen.executor"),
    "training": ("Trainer", "components.trainer.run"),
    "release": ("Evaluator", "components.evaluator.executor"),
}
_SIGN = "Going to run a new execution:"
_EXPERIMENT = """
extends: digits
name: startup
training: {{epochs: 1}}
evaluation: {{thresholds: {{accuracy: {{min: 0.0}}, cross_entropy: {{max: 100.0}}}}}}
kubeflow: {{image: measured, root: {root}, volumes: [{{claim: c, mount: {root}}}]}}
"""


def started(root: Path, run_id: str, node: str) -> float:
    """When a node's executor began, in seconds since the epoch, by the log of its launcher."""
    log = root / "startup" / "runs" / run_id / f"{node}.log"
    [line] = [line for line in log.read_text(errors="replace").splitlines() if _SIGN in line]
    moment, _, milliseconds = line[:23].partition(",")
    return datetime.strptime(moment, "%Y-%m-%d %H:%M:%S").timestamp() + int(milliseconds) / 1000


def tasks_once(directory: Path, url: str) -> dict[str, float]:
    """Seconds from the start of each task's process to that of its first executor."""
    root = directory / "root"
    root.mkdir(parents=True)
    (directory / "experiment.yaml").write_text(_EXPERIMENT.format(root=root))
    compiled = directory / "pipeline.yaml"
    command = [sys.executable, "-m", "kubeflow.compile", str(directory / "experiment.yaml"), "--output", str(compiled)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    began: dict[str, float] = {}
    run = ClusterRun(compiled, directory / "uploaded", directory.name, {"DARKROOM_METADATA": url})
    run.disturb = lambda task, _number, _process: began.update({task: time.time()})
    if run.execute() != "SUCCEEDED":
        raise click.ClickException("\n".join(attempt.log for attempt in run.attempts if attempt.exit_status))
    return {task: started(root, directory.name, node) - began[task] for task, (node, _) in _FIRST.items()}


def import_once(module: str) -> float:
    """Seconds of a process that imports a stage's own libraries, with the settings of every process."""
    code = f"from pipeline import runtime; runtime.configure(); import {module}"
    began = time.time()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    return time.time() - began


@click.command()
@click.option(
    "--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="The best of each side counts."
)
def main(rounds: int) -> None:
    """Print a table; exit status 1 where a task takes more than 1.3 times as long."""
    tasks: dict[str, list[float]] = {task: [] for task in _FIRST}
    imports: dict[str, list[float]] = {task: [] for task in _FIRST}
    with tempfile.TemporaryDirectory() as place, database("mysql") as server:
        for number in range(rounds):
            for task, seconds in tasks_once(Path(place, f"round-{number}"), server.url).items():
                tasks[task].append(seconds)
                imports[task].append(import_once(_FIRST[task][1]))
    table = Table("task", "first stage", "until it works", "its imports", "ratio", title="Start of a task, in seconds")
    worst = 0.0
    for task, (node, _) in _FIRST.items():
        own, other = min(tasks[task]), min(imports[task])
        worst = max(worst, own / other)
        table.add_row(task, node, f"{own:.1f}", f"{other:.1f}", f"{own / other:.2f}")
    Console().print(table)
    sys.exit(worst > LIMIT)


if __name__ == "__main__":
    main()
