"""The pipeline, on one screen."""

from __future__ import annotations

from tfx.orchestration.pipeline import Pipeline

from components.canary.component import image_canary
from components.data_gate.baseline import last_data_resolver
from components.data_gate.component import DataGate
from components.evaluator.component import baseline_resolver, image_evaluator
from components.image_example_gen.component import ImageExampleGen
from components.pusher.component import AtomicPusher
from components.schema_gen.component import image_schema
from components.statistics_gen.component import image_statistics
from components.trainer.component import image_trainer
from components.trainer.warm_start import warm_start_resolver
from components.transform.component import image_transform
from components.tuner.component import image_tuner
from pipeline.nodes import PUSHER, TRAINER
from pipeline.paths import Paths
from schemas.experiment import Experiment


def create_pipeline(experiment: Experiment, paths: Paths, base_weights: str | None = None) -> Pipeline:
    """Declares what an experiment does, from the data to the push.

    Args:
      experiment: validated.
      paths: where its results go.
      base_weights: file of the weights that another experiment gives to the base.
    """
    serving = paths.published(experiment)
    ingestion = ImageExampleGen(experiment.data, paths.source(experiment), str(paths.quarantine.absolute()))
    examples = ingestion.outputs["examples"]

    statistics = image_statistics(examples)
    schema = image_schema(experiment.schema_, statistics.outputs["statistics"])
    last_data = last_data_resolver(statistics.outputs["statistics"])
    gate = DataGate(
        experiment.data,
        experiment.gate,
        examples,
        statistics.outputs["statistics"],
        schema.outputs["schema"],
        last_data.outputs["statistics"],
    )

    transform = image_transform(
        experiment.data, experiment.resolved_preprocessing(), examples, schema.outputs["schema"]
    )
    transform.add_upstream_node(gate)

    warm_start = warm_start_resolver(examples, serving) if experiment.goes_on_from_itself else None
    base_model = warm_start.outputs["model"] if warm_start else None
    learned_from = (examples, transform.outputs["transform_graph"], schema.outputs["schema"])
    checkpoints = str(paths.checkpoints.absolute())
    tuner = image_tuner(experiment, *learned_from, checkpoints, base_model=base_model, base_weights=base_weights)
    trainer = image_trainer(
        experiment,
        *learned_from,
        checkpoints,
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        base_model=base_model,
        base_weights=base_weights,
    )
    baseline = baseline_resolver(trainer.outputs["model"], serving)
    evaluator = image_evaluator(experiment.evaluation, examples, trainer.outputs["model"], baseline.outputs["model"])
    canary = None
    if experiment.canary.enabled:
        canary = image_canary(
            experiment.canary,
            experiment.evaluation.split,
            trainer.outputs["model"],
            examples,
            transform.outputs["transform_graph"],
        )
        # Blessed before it is tried; and not tried again where nothing but a threshold has changed.
        canary.add_upstream_node(evaluator)
    pusher = AtomicPusher(
        experiment.name,
        experiment.push,
        serving,
        trainer.outputs["model"],
        evaluator.outputs["blessing"],
        canary.outputs["infra_blessing"] if canary else None,
    )

    return Pipeline(
        pipeline_name=experiment.name,
        pipeline_root=str(paths.artifacts.absolute()),
        components=[
            ingestion,
            statistics,
            schema,
            last_data,
            gate,
            transform,
            *([warm_start] if warm_start else []),
            *([tuner] if tuner else []),
            trainer.with_id(TRAINER),
            baseline,
            evaluator,
            *([canary] if canary else []),
            pusher.with_id(PUSHER),
        ],
        enable_cache=True,
        beam_pipeline_args=list(experiment.beam.args),
    )
