"""The opponent: images the way a user of stock TFX handles them today.

python -m tests.bench.stock_tfx DATA WORK NUM_IMAGES
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tfx import v1 as tfx

_MODULE_FILE = Path(__file__).with_name("stock_module.py")
BATCH_SIZE = 128
LOWEST_ACCURACY = 0.5
_ACCURACY = "accuracy"


def create_pipeline(data: Path, work: Path, num_images: int) -> tfx.dsl.Pipeline:
    """Stock components with stock settings, from the files to the push.

    Args:
      data: holds `train/` and `eval/`.
      work: for artifacts, metadata and the pushed model.
      num_images: in `train/`.
    """
    from tfx import v1 as tfx

    split = tfx.proto.Input.Split
    examples = tfx.components.ImportExampleGen(
        input_base=str(data),
        input_config=tfx.proto.Input(
            splits=[split(name="train", pattern="train/*"), split(name="eval", pattern="eval/*")]
        ),
    )
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=True)
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    transform = tfx.components.Transform(
        examples=examples.outputs["examples"], schema=schema.outputs["schema"], module_file=str(_MODULE_FILE)
    )
    trainer = tfx.components.Trainer(
        module_file=str(_MODULE_FILE),
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        train_args=tfx.proto.TrainArgs(num_steps=num_images // BATCH_SIZE),
        eval_args=tfx.proto.EvalArgs(),
    )
    evaluator = tfx.components.Evaluator(
        examples=examples.outputs["examples"], model=trainer.outputs["model"], eval_config=_evaluation_config()
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(work / "serving"))
        ),
    )
    return tfx.dsl.Pipeline(
        pipeline_name="stock",
        pipeline_root=str(work / "artifacts"),
        components=[examples, statistics, schema, validator, transform, trainer, evaluator, pusher],
        enable_cache=False,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(work / "metadata.db")
        ),
    )


def _evaluation_config() -> Any:
    import tensorflow_model_analysis as tfma

    threshold = tfma.MetricThreshold(value_threshold=tfma.GenericValueThreshold(lower_bound={"value": LOWEST_ACCURACY}))
    accuracy = tfma.MetricConfig(
        class_name="SparseCategoricalAccuracy", config=json.dumps({"name": _ACCURACY}), threshold=threshold
    )
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(label_key="label")],
        slicing_specs=[tfma.SlicingSpec()],
        metrics_specs=[tfma.MetricsSpec(metrics=[accuracy])],
    )


def _time_stages(seconds: dict[str, float]) -> None:
    """From here on, the launch of each node leaves its name and seconds."""
    from tfx.orchestration.portable import launcher

    class TimedLauncher(launcher.Launcher):
        def launch(self) -> Any:
            began = time.perf_counter()
            try:
                return super().launch()
            finally:
                seconds[self._pipeline_node.node_info.id] = round(time.perf_counter() - began, 2)

    launcher.Launcher = TimedLauncher


def _accuracy(work: Path) -> float:
    import tensorflow_model_analysis as tfma

    [evaluation] = work.glob("artifacts/Evaluator/evaluation/*")
    [record] = tfma.load_metrics(str(evaluation))
    [value] = [item.value for item in record.metric_keys_and_values if item.key.name == _ACCURACY]
    return float(value.double_value.value)


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path))
@click.argument("work", type=click.Path(file_okay=False, resolve_path=True, path_type=Path))
@click.argument("num_images", type=click.IntRange(BATCH_SIZE))
def main(data: Path, work: Path, num_images: int) -> None:
    """Runs the pipeline on DATA, which holds NUM_IMAGES training images, and prints a line of JSON."""
    began = time.perf_counter()
    import tensorflow_model_analysis  # noqa: F401
    from tfx import v1 as tfx

    imports = round(time.perf_counter() - began, 2)
    stages: dict[str, float] = {}
    _time_stages(stages)
    tfx.orchestration.LocalDagRunner().run(create_pipeline(data, work, num_images))
    pushed = any((work / "serving").glob("*/saved_model.pb"))
    print(json.dumps({"pushed": pushed, "imports": imports, "stages": stages, "accuracy": _accuracy(work)}))


if __name__ == "__main__":
    main()
