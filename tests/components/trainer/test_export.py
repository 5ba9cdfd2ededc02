from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.feeding.evaluation import evaluation
from components.feeding.source import Source
from components.transform.graph import normalization_of
from schemas import features
from schemas.preprocessing import Preprocessing
from tests.components.images import Values, encode, jpeg, noise, picture, png, serialized, smooth, write_tfrecord
from tests.components.servables import export_constant, export_pixels
from tests.components.transforms import stored, transform_of

if TYPE_CHECKING:
    from tests.components.conftest import Sample

HEIGHT, WIDTH = 6, 5
PREPROCESSING = Preprocessing(height=HEIGHT, width=WIDTH, channels=3, normalization="standardize")
FILES = {
    "RGB PNG": png(noise(9, 8, 3)),
    "RGB PNG of the model's size": png(noise(HEIGHT, WIDTH, 3)),
    "gray PNG": png(noise(7, 4, 1)),
    "RGBA PNG": png(noise(5, 5, 4)),
    "RGB JPEG": jpeg(smooth(33, 20, 3)),
    "gray JPEG": jpeg(smooth(6, 5, 1)),
    "GIF": encode(picture(noise(8, 8, 1)), "GIF"),
    "BMP": encode(picture(noise(10, 3, 3)), "BMP"),
    "progressive JPEG": encode(picture(smooth(12, 9, 3)), "JPEG", progressive=True),
    "CMYK JPEG": encode(picture(smooth(8, 11, 3)).convert("CMYK"), "JPEG"),
    "palette PNG": encode(picture(smooth(9, 9, 3)).quantize(16), "PNG"),
    "16-bit PNG": tf.io.encode_png(noise(7, 7, 3).astype(np.uint16) * 257).numpy(),
    "gray PNG with alpha": tf.io.encode_png(noise(4, 6, 2)).numpy(),
}
CONSTANT = {"ant": 0.05, "bée": 0.5, "cat": 0.3, "dog": 0.08, "emu": 0.04, "fox": 0.03}

# Runs apart from the project's code: isolated, elsewhere, and with nothing but TensorFlow.
CLIENT = """
import base64, importlib.util, json, sys
import tensorflow as tf

names = ("components", "pipeline", "schemas", "tensorflow_transform", "tfx")
directory, *images = sys.argv[1:]
served = tf.saved_model.load(directory).signatures["serving_default"]
answer = served(image_bytes=tf.constant([base64.b64decode(image) for image in images]))
print(json.dumps({
    "found": [name for name in names[:3] if importlib.util.find_spec(name)],
    "loaded": [name for name in names if name in sys.modules],
    "labels": [label.decode() for label in answer["label"].numpy().tolist()],
    "probabilities": answer["probabilities"].numpy().tolist(),
}))
"""


@pytest.fixture(scope="module")
def transform(tmp_path_factory: pytest.TempPathFactory) -> tft.TFTransformOutput:
    """A graph that standardises."""
    examples = [stored(content) for content in FILES.values()]
    return transform_of(tmp_path_factory.mktemp("transform"), examples, PREPROCESSING)


@pytest.fixture(scope="module")
def pixels_served(transform: tft.TFTransformOutput, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An exported model whose logits are the transformed pixels."""
    directory = tmp_path_factory.mktemp("pixels")
    return tf.saved_model.load(str(export_pixels(directory, transform, (HEIGHT, WIDTH, 3))))


@pytest.fixture(scope="module")
def constant_directory(transform: tft.TFTransformOutput, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model that always gives the same probabilities."""
    directory = tmp_path_factory.mktemp("constant")
    return export_constant(directory, transform, (HEIGHT, WIDTH, 3), CONSTANT, '{"digest": "é"}')


def fed(
    transform: tft.TFTransformOutput, examples: list[Values], directory: Path, preprocessing: Preprocessing
) -> NDArray:
    """Images as the network gets them in training, where they are not augmented."""
    write_tfrecord(directory / "examples", map(serialized, examples))
    source = Source([str(directory / "*")], transform, (HEIGHT, WIDTH, 3), len(examples))
    pixels = np.concatenate([pixels[weights == 1] for pixels, _, weights in evaluation(source, 3)])
    return np.asarray(normalization_of(transform, preprocessing)(tf.cast(pixels, tf.float32)))


def seen(answer: dict[str, tf.Tensor]) -> NDArray:
    """The transformed pixels, up to a constant for each image, from a model whose logits they are."""
    logits = np.log(answer[features.PROBABILITIES].numpy().astype(np.float64))
    return logits - logits.mean(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("signature", "argument"), [("serving_default", "image_bytes"), ("serving_examples", "examples")]
)
def test_signatures_are_as_promised(signature: str, argument: str, constant_directory: Path) -> None:
    """Both signatures take strings [batch] under their name, and give five named outputs of fixed types and shapes."""
    function = tf.saved_model.load(str(constant_directory)).signatures[signature]
    [inputs] = function.structured_input_signature[1:]
    assert {name: (spec.dtype, spec.shape.as_list()) for name, spec in inputs.items()} == {
        argument: (tf.string, [None])
    }
    outputs = function.structured_outputs
    assert {name: (spec.dtype, spec.shape.as_list()) for name, spec in outputs.items()} == {
        "class_id": (tf.int64, [None]),
        "label": (tf.string, [None]),
        "probabilities": (tf.float32, [None, 6]),
        "top_labels": (tf.string, [None, 5]),
        "top_probabilities": (tf.float32, [None, 5]),
    }


def test_classes_are_ranked(constant_directory: Path) -> None:
    """The likeliest class has its number and name, and the five likeliest come in order; all add up to 1."""
    function = tf.saved_model.load(str(constant_directory)).signatures["serving_default"]
    answer = {name: value.numpy().tolist() for name, value in function(tf.constant([*FILES.values()])).items()}
    assert answer["class_id"] == [1] * len(FILES)
    assert answer["label"] == ["bée".encode()] * len(FILES)
    assert answer["top_labels"] == [["bée".encode(), b"cat", b"dog", b"ant", b"emu"]] * len(FILES)
    np.testing.assert_allclose(answer["probabilities"], [[*CONSTANT.values()]] * len(FILES), rtol=1e-5)
    np.testing.assert_allclose(answer["top_probabilities"], [[0.5, 0.3, 0.08, 0.05, 0.04]] * len(FILES), rtol=1e-5)


def test_a_model_of_few_classes_ranks_all(transform: tft.TFTransformOutput, tmp_path: Path) -> None:
    """With fewer than five classes all of them are ranked."""
    export_constant(tmp_path, transform, (HEIGHT, WIDTH, 3), {"a": 0.25, "b": 0.75})
    answer = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](tf.constant([FILES["GIF"]]))
    assert answer["top_labels"].numpy().tolist() == [[b"b", b"a"]]


def test_assets_tell_the_classes_and_the_experiment(constant_directory: Path) -> None:
    """labels.txt has a line per class in order, experiment.json what made the model, and both load with it."""
    assets = constant_directory / "assets"
    assert sorted(path.name for path in assets.iterdir()) == ["experiment.json", "labels.txt"]
    assert (assets / "labels.txt").read_text(encoding="utf-8").splitlines() == list(CONSTANT)
    assert json.loads((assets / "experiment.json").read_text(encoding="utf-8")) == {"digest": "é"}
    loaded = tf.saved_model.load(str(constant_directory))
    assert {os.path.basename(asset.asset_path.numpy().decode()) for asset in loaded.assets} == {
        "experiment.json",
        "labels.txt",
    }


def test_training_and_serving_see_the_same_image(
    transform: tft.TFTransformOutput, pixels_served: Any, tmp_path: Path
) -> None:
    """The same bytes of each kind of file give the same pixels in the feed and in both signatures, to 1e-5."""
    examples = [stored(content) for content in FILES.values()]
    images = fed(transform, examples, tmp_path, PREPROCESSING).reshape(len(FILES), -1).astype(np.float64)
    trained = images - images.mean(axis=1, keepdims=True)
    assert trained.std() > 0.5
    served = seen(pixels_served.signatures["serving_default"](tf.constant([*FILES.values()])))
    np.testing.assert_allclose(served, trained, atol=1e-5)
    evaluated = seen(pixels_served.signatures["serving_examples"](tf.constant([*map(serialized, examples)])))
    np.testing.assert_allclose(evaluated, trained, atol=1e-5)


def test_a_model_of_stored_pixels_serves_files(tmp_path: Path) -> None:
    """Trained on raw pixels, a model sees in a PNG file of the same image what it saw in training."""
    arrays = [noise(HEIGHT + index, WIDTH, 3, index) for index in range(4)]
    examples = [stored(array.tobytes(), 0, "RAW", array.shape) for array in arrays]
    rescaled = PREPROCESSING.model_copy(update={"normalization": "rescale"})
    transform = transform_of(tmp_path / "transform", examples, rescaled, "raw")
    loaded = tf.saved_model.load(str(export_pixels(tmp_path / "model", transform, (HEIGHT, WIDTH, 3))))
    images = fed(transform, examples, tmp_path / "examples", rescaled).reshape(4, -1).astype(np.float64)
    served = seen(loaded.signatures["serving_default"](tf.constant([png(array) for array in arrays])))
    np.testing.assert_allclose(served, images - images.mean(axis=1, keepdims=True), atol=1e-5)
    evaluated = seen(loaded.signatures["serving_examples"](tf.constant([*map(serialized, examples)])))
    np.testing.assert_allclose(evaluated, served, atol=1e-5)


def test_an_empty_batch_has_empty_answers(pixels_served: Any) -> None:
    """No image in, none out."""
    answer = pixels_served.signatures["serving_default"](tf.constant([], tf.string))
    assert answer["label"].shape == [0]
    assert answer["probabilities"].shape == [0, HEIGHT * WIDTH * 3]


def test_an_example_needs_no_more_than_its_file(pixels_served: Any) -> None:
    """In an example that holds a file everything else may be missing; without the file it is an error."""
    answers = pixels_served.signatures
    bare = answers["serving_examples"](tf.constant([serialized({features.ENCODED: FILES["gray PNG"]})]))
    file = answers["serving_default"](tf.constant([FILES["gray PNG"]]))
    np.testing.assert_array_equal(bare["probabilities"], file["probabilities"])
    with pytest.raises(tf.errors.InvalidArgumentError, match="image/encoded"):
        answers["serving_examples"](tf.constant([serialized({features.FORMAT: b"PNG"})]))


def test_bytes_that_are_no_image_are_an_error(pixels_served: Any) -> None:
    """A file that cannot be decoded is the client's error, not a guess."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        pixels_served.signatures["serving_default"](tf.constant([FILES["GIF"], b"no image"]))


def test_a_client_needs_nothing_but_tensorflow(trained: Sample, tmp_path: Path) -> None:
    """A process without our code loads the pushed model and labels PNGs' bytes, rightly and as this process does."""
    [directory] = [path.parent for path in trained.serving.glob("*/saved_model.pb")]
    files = [png(np.full((8, 8, 1), level, np.uint8)) for level in (20, 120, 220)]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    result = subprocess.run(
        [sys.executable, "-I", "-c", CLIENT, str(directory), *(base64.b64encode(file).decode() for file in files)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    told = json.loads(result.stdout.splitlines()[-1])
    assert (told["found"], told["loaded"]) == ([], [])
    assert told["labels"] == ["dark", "medium", "bright"]
    here = tf.saved_model.load(str(directory)).signatures["serving_default"](tf.constant(files))
    np.testing.assert_allclose(told["probabilities"], here["probabilities"], atol=1e-6)
