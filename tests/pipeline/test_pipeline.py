from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.dsl.compiler import compiler
from tfx.orchestration.pipeline import Pipeline

from pipeline.nodes import PUSHER
from pipeline.paths import Paths
from pipeline.pipeline import create_pipeline
from schemas.loading import load_experiment
from tests.bookkeeping import assert_nothing_is_left_half_done
from tests.command_line import in_process

# The dominant colour of an image is its class: learned within a few steps.
COLOURS = ("red", "green", "blue")
NUM_IMAGES = 300


def digits_pipeline(workspace: Path, *overrides: str) -> Pipeline:
    return create_pipeline(load_experiment("digits", overrides), Paths(workspace, "digits"))


def node(pipeline: Pipeline, name: str) -> Any:
    [found] = [component for component in pipeline.components if component.id == name]
    return found


def test_the_nodes_in_order(tmp_path: Path) -> None:
    """From the data to the push, each node after those whose outputs it takes."""
    names = [component.id for component in digits_pipeline(tmp_path).components]
    assert sorted(names) == sorted(
        [
            "ImageExampleGen",
            "StatisticsGen",
            "ImportSchemaGen",
            "LastData",
            "DataGate",
            "Transform",
            "Trainer",
            "Baseline",
            "Evaluator",
            "Canary",
            "Pusher",
        ]
    )
    assert names[-1] == PUSHER
    for earlier, later in (
        ("ImageExampleGen", "StatisticsGen"),
        ("StatisticsGen", "LastData"),
        ("LastData", "DataGate"),
        ("ImportSchemaGen", "DataGate"),
        ("DataGate", "Transform"),
        ("Transform", "Trainer"),
        ("Trainer", "Baseline"),
        ("Baseline", "Evaluator"),
        ("Evaluator", "Canary"),
    ):
        assert names.index(earlier) < names.index(later)


def test_nothing_expensive_starts_before_the_gate_has_spoken(tmp_path: Path) -> None:
    """Transform waits for the gate, though it takes none of its outputs."""
    pipeline = digits_pipeline(tmp_path)
    assert node(pipeline, "DataGate") in node(pipeline, "Transform").upstream_nodes


def test_a_search_comes_before_the_training(tmp_path: Path) -> None:
    """Where the experiment asks for one, the Tuner stands between Transform and Trainer, which takes what it found."""
    pipeline = digits_pipeline(tmp_path, "tuning.sweep={}")
    names = [component.id for component in pipeline.components]
    assert names.index("Transform") < names.index("Tuner") < names.index("Trainer")
    assert (
        node(pipeline, "Trainer").inputs["hyperparameters"] is node(pipeline, "Tuner").outputs["best_hyperparameters"]
    )
    assert node(pipeline, "Tuner").exec_properties["checkpoint_directory"] == str(
        Paths(tmp_path, "digits").checkpoints.absolute()
    )


def test_a_schema_of_one_s_own_is_imported_and_else_inferred(tmp_path: Path) -> None:
    """`schema.file` decides between ImportSchemaGen and SchemaGen."""
    imported = {component.id for component in digits_pipeline(tmp_path).components}
    inferred = {component.id for component in digits_pipeline(tmp_path, "schema.file=null").components}
    assert (imported - inferred, inferred - imported) == ({"ImportSchemaGen"}, {"SchemaGen"})


@pytest.mark.parametrize(("backbone", "stated"), [("small_cnn", "standardize"), ("resnet50_v2", "symmetric")])
def test_transform_is_told_what_the_backbone_was_made_for(tmp_path: Path, backbone: str, stated: str) -> None:
    """Where normalization is auto, the stage gets the backbone's own."""
    sizes = ("preprocessing.height=32", "preprocessing.width=32", "preprocessing.normalization=auto")
    transform = node(digits_pipeline(tmp_path, f"model.backbone={backbone}", *sizes), "Transform")
    config = json.loads(transform.exec_properties["custom_config"])
    assert json.loads(config["preprocessing"])["normalization"] == stated


def test_an_embedded_data_set_lies_in_the_workspace(tmp_path: Path) -> None:
    """`data.dataset` is read where it is prepared, `data.source` where it lies."""
    embedded = node(digits_pipeline(tmp_path), "ImageExampleGen")
    assert embedded.exec_properties["source"] == str(Paths(tmp_path, "digits").datasets / "digits")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "file").touch()
    own = node(digits_pipeline(tmp_path, "data.dataset=null", f"data.source={tmp_path / 'own'}"), "ImageExampleGen")
    assert own.exec_properties["source"] == str(tmp_path / "own")


def test_everything_is_kept_below_the_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Artifacts, quarantine and versions lie at absolute paths of the workspace; results are cached.

    Where ML Metadata is, and with which password, is nothing of the pipeline's.
    """
    monkeypatch.chdir(tmp_path)
    pipeline = create_pipeline(load_experiment("digits"), Paths(Path("w"), "digits"))
    root = tmp_path / "w" / "digits"
    assert pipeline.pipeline_info.pipeline_name == "digits"
    assert pipeline.pipeline_info.pipeline_root == str(root / "artifacts")
    assert pipeline.metadata_connection_config is None
    assert node(pipeline, PUSHER).exec_properties["serving_directory"] == str(root / "serving")
    assert node(pipeline, "ImageExampleGen").exec_properties["quarantine"] == str(root / "quarantine")
    assert pipeline.enable_cache


def test_the_same_experiment_compiles_to_the_same_pipeline(tmp_path: Path) -> None:
    """What is compiled depends on the experiment alone, so that a second run finds the first one's results."""

    def compiled(*overrides: str) -> bytes:
        representation = compiler.Compiler().compile(digits_pipeline(tmp_path, *overrides))
        return bytes(representation.SerializeToString(deterministic=True))

    assert compiled() == compiled()
    assert compiled() != compiled("training.epochs=3")


def test_the_beam_options_are_handed_on(tmp_path: Path) -> None:
    """`beam.args` reach the data stages."""
    pipeline = digits_pipeline(tmp_path, "beam.args=[--direct_num_workers=2]")
    assert pipeline.beam_pipeline_args == ["--direct_num_workers=2"]


def write_colours(path: Path, encoding: str) -> None:
    """Noisy 10 x 8 images in one of three colours, without a file format."""
    generator = np.random.default_rng(0)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(NUM_IMAGES):
            label = number % len(COLOURS)
            pixels = generator.integers(0, 120, (10, 8, 3), dtype=np.uint8)
            pixels[..., label] += 120
            stored = pixels if encoding == "raw" else (pixels / 255).astype(np.float32)
            example = tf.train.Example()
            feature = example.features.feature
            feature["pixels"].bytes_list.value.append(stored.tobytes())
            for name, value in (("h", 10), ("w", 8), ("c", 3), ("class", label)):
                feature[name].int64_list.value.append(value)
            writer.write(example.SerializeToString())


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["raw", "float32"])
def test_pixels_without_a_file_format_are_learned(encoding: str, tmp_path: Path) -> None:
    """From raw or float32 pixels, with names of the user's own and an inferred schema, to a model that labels a PNG."""
    (tmp_path / "source").mkdir()
    write_colours(tmp_path / "source" / "colours.tfrecord", encoding)
    experiment = tmp_path / "colours.yaml"
    experiment.write_text(f"""
name: colours
data:
  source: source
  encoding: {encoding}
  features: {{image: pixels, label: class, height: h, width: w, channels: c}}
  labels: [{", ".join(COLOURS)}]
preprocessing: {{height: 8, width: 8, normalization: standardize}}
model: {{filters: [8], dense: []}}
training: {{epochs: 3, batch_size: 16, learning_rate: 0.01}}
evaluation: {{thresholds: {{accuracy: {{min: 0.9}}}}}}
""")
    workspace = ("--workspace", str(tmp_path / "workspace"))
    outcome = in_process("run", str(experiment), *workspace, "--json")
    assert outcome.exit_status == 0, outcome.errors
    assert outcome.states["SchemaGen"] == "executed"
    assert_nothing_is_left_half_done(tmp_path / "workspace" / "colours")

    files = {}
    for label, colour in enumerate(COLOURS):
        pixels = np.full((10, 8, 3), 60, np.uint8)
        pixels[..., label] = 180
        files[str(tmp_path / f"{colour}.png")] = colour
        (tmp_path / f"{colour}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    sample = outcome.json["sample"]
    predicted = in_process("predict", str(experiment), *files, sample, *workspace, "--json").json["predictions"]
    assert [item["label"] for item in predicted[:-1]] == list(files.values())
    assert sample.endswith(f"sample-{predicted[-1]['label']}.png")
