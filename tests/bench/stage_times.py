"""Runs the data stages of one contender in this process and prints their seconds.

python -m tests.bench.stage_times CONTENDER DATA WORK
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from pipeline import runtime

STOCK_STAGES = ("ImportExampleGen", "StatisticsGen")
OWN_STAGES = ("ImageExampleGen", "SchemaGen", "StatisticsGen", "LastData", "DataGate", "Transform")
EXPERIMENT = Path(__file__).with_name("fashion_png.yaml")
# All images are drawn for splits by the default rule, which is more than stock does.
_OVERRIDES = ("data.splits={train: '*', eval: auto, test: auto}",)


def _stock(data: Path, work: Path) -> Any:
    import tfx.v1  # noqa: F401

    from tests.bench.stock_tfx import BATCH_SIZE, create_pipeline

    return create_pipeline(data, work, BATCH_SIZE)


def _own(data: Path, work: Path) -> Any:
    from pipeline.paths import Paths
    from pipeline.pipeline import create_pipeline
    from schemas.loading import load_experiment

    experiment = load_experiment(str(EXPERIMENT), [*_OVERRIDES, f"data.source={data}"])
    paths = Paths(work, experiment.name)
    paths.prepare()
    return create_pipeline(experiment, paths)


@click.command()
@click.argument("contender", type=click.Choice(["stock", "own"]))
@click.argument("data", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path))
@click.argument("work", type=click.Path(file_okay=False, resolve_path=True, path_type=Path))
def main(contender: str, data: Path, work: Path) -> None:
    """Runs CONTENDER's data stages on DATA and prints a line of JSON."""
    runtime.configure()
    pipeline = _stock(data, work) if contender == "stock" else _own(data, work)
    from pipeline.execution import CompiledPipeline
    from pipeline.metadata import file_connection

    compiled = CompiledPipeline(pipeline, "bench", file_connection(work / "metadata.db"))
    wanted = STOCK_STAGES if contender == "stock" else OWN_STAGES
    stages = {}
    for node in compiled.nodes:
        if node in wanted:
            began = time.perf_counter()
            outcome = compiled.launch(node)
            stages[node] = round(time.perf_counter() - began, 3)
            if outcome.state != "executed":
                sys.exit(f"{node} was {outcome.state}")
    print(json.dumps(stages))


if __name__ == "__main__":
    main()
