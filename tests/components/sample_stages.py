"""The stages of the sample, declared as the pipeline declares them."""

from __future__ import annotations

from pathlib import Path

from tfx.dsl.components.base.base_node import BaseNode

from components.canary.component import image_canary
from components.data_gate.component import DataGate
from components.evaluator.component import baseline_resolver, image_evaluator
from components.image_example_gen.component import ImageExampleGen
from components.pusher.component import AtomicPusher
from components.schema_gen.component import image_schema
from components.statistics_gen.component import image_statistics
from components.trainer.component import image_trainer
from components.transform.component import image_transform
from schemas.experiment import Experiment


def stages_of_data(experiment: Experiment) -> list[BaseNode]:
    """From ImageExampleGen to Transform."""
    source = str(experiment.data.source)
    ingestion = ImageExampleGen(experiment.data, source, f"{source}-quarantine")
    examples = ingestion.outputs["examples"]
    statistics = image_statistics(examples)
    schema = image_schema(experiment.schema_, statistics.outputs["statistics"])
    gate = DataGate(
        experiment.data, experiment.gate, examples, statistics.outputs["statistics"], schema.outputs["schema"]
    )
    transform = image_transform(
        experiment.data, experiment.resolved_preprocessing(), examples, schema.outputs["schema"]
    )
    return [ingestion, statistics, schema, gate, transform]


def all_stages(experiment: Experiment, serving_directory: Path) -> list[BaseNode]:
    """From ImageExampleGen to the push."""
    stages = stages_of_data(experiment)
    ingestion, _, schema, _, transform = stages
    examples = ingestion.outputs["examples"]
    trainer = image_trainer(experiment, examples, transform.outputs["transform_graph"], schema.outputs["schema"], None)
    model = trainer.outputs["model"]
    baseline = baseline_resolver(model, str(serving_directory))
    evaluator = image_evaluator(experiment.evaluation, examples, model, baseline.outputs["model"])
    blessing = evaluator.outputs["blessing"]
    graph = transform.outputs["transform_graph"]
    canary = image_canary(experiment.canary, experiment.evaluation.split, model, examples, graph)
    trial = canary.outputs["infra_blessing"]
    pusher = AtomicPusher(experiment.name, experiment.push, str(serving_directory), model, blessing, trial)
    return [*stages, trainer, baseline, evaluator, canary, pusher]
