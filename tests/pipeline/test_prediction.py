from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.errors import StageError
from components.pusher.local_directory import LocalDirectory
from components.pusher.serving_directory import open_directory
from pipeline.prediction import (
    NoModelError,
    Prediction,
    newest_version,
    predict,
    predict_quietly,
    predict_with_newest,
    unusable,
)
from tests.s3 import BUCKET, s3_server


class Brightness(tf.Module):
    """A servable with the signature of the contract: how light an image is."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Labels files `light` or `dark`, and says a word on standard output."""
        tf.print("noise", output_stream="file:///dev/stdout")
        pixels = tf.map_fn(lambda file: tf.cast(tf.io.decode_png(file, 1), tf.float32), image_bytes, tf.float32)
        light = tf.reduce_mean(pixels, [1, 2, 3]) / 255.0
        ranked = tf.math.top_k(tf.stack([1 - light, light], axis=-1), k=2)
        return {
            "top_labels": tf.gather(tf.constant(["dark", "light"]), ranked.indices),
            "top_probabilities": ranked.values,
        }


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 9 and 10, of which only the newer holds a model; beside them what a push has not finished."""
    directory = tmp_path_factory.mktemp("serving")
    (directory / "9").mkdir()
    (directory / ".staging-11").mkdir()
    (directory / "12").touch()
    module = Brightness()
    tf.saved_model.save(module, str(directory / "10"), signatures={"serving_default": module.serve})
    return directory


def write_png(path: Path, value: int) -> Path:
    path.write_bytes(tf.io.encode_png(np.full((4, 5, 1), value, np.uint8)).numpy())
    return path


def test_the_newest_version_is_the_largest_number(serving: Path) -> None:
    """10 is newer than 9; what is no directory with a number does not count."""
    assert newest_version(LocalDirectory(serving)) == 10


@pytest.mark.parametrize("name", ["", "not-there"])
def test_no_version_is_an_error_with_a_mend(name: str, tmp_path: Path) -> None:
    """An empty or missing directory is named with what to do."""
    with pytest.raises(NoModelError) as caught:
        newest_version(LocalDirectory(tmp_path / name))
    assert str(caught.value) == f"no model has been pushed to {tmp_path / name} yet; run the experiment first"


def test_every_file_in_its_order(serving: Path, tmp_path: Path) -> None:
    """Each file gets its ranked labels; one that cannot be decoded or read gets its error, and the rest go on."""
    light, dark = write_png(tmp_path / "light.png", 255), write_png(tmp_path / "dark.png", 51)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "directory.png").mkdir()
    names = ["light.png", "text.png", "directory.png", "gone.png", "dark.png"]
    assert list(predict(serving, 10, [tmp_path / name for name in names])) == [
        Prediction(str(light), "light", 1.0, (("light", 1.0), ("dark", 0.0))),
        Prediction(str(tmp_path / "text.png"), error="cannot be decoded; expected a JPEG, PNG, GIF or BMP file"),
        Prediction(str(tmp_path / "directory.png"), error="Is a directory"),
        Prediction(str(tmp_path / "gone.png"), error="No such file or directory"),
        Prediction(str(dark), "dark", 0.8, (("dark", 0.8), ("light", 0.2))),
    ]


def test_nothing_else_is_printed(serving: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What TensorFlow says while it loads and predicts is left out."""
    image = write_png(tmp_path / "light.png", 255)
    [prediction] = predict_quietly(serving, 10, [image])
    assert prediction.label == "light"
    assert capfd.readouterr() == ("", "")
    list(predict(serving, 10, [image]))
    assert "noise" in capfd.readouterr().out


def test_the_newest_version_predicts(serving: Path, tmp_path: Path) -> None:
    """The version is told beside what it says of each file."""
    images = [write_png(tmp_path / "light.png", 255), write_png(tmp_path / "dark.png", 51)]
    version, predictions = predict_with_newest(LocalDirectory(serving), images)
    assert version == 10
    assert [prediction.label for prediction in predictions] == ["light", "dark"]


def test_a_version_in_an_object_store_predicts(serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is brought here for as long as it is needed, and says what it says on a disk."""
    images = [write_png(tmp_path / "light.png", 255), write_png(tmp_path / "dark.png", 51)]
    with s3_server(tmp_path, monkeypatch) as bucket:
        shutil.copytree(serving / "10", bucket / "models" / "10")
        version, predictions = predict_with_newest(open_directory(f"s3://{BUCKET}/models"), images)
    assert (version, predictions) == (10, predict_quietly(serving, 10, images))
    assert predictions[1].label == "dark"


@pytest.mark.parametrize("damage", ["saved_model.pb", "variables/variables.index"])
def test_a_damaged_version_is_told(damage: str, serving: Path, tmp_path: Path) -> None:
    """A version that cannot be loaded is named, with what to do; no stack trace."""
    shutil.copytree(serving / "10", tmp_path / "10")
    (tmp_path / "10" / damage).write_bytes(b"damaged")
    with pytest.raises(StageError, match=r"^version 10 cannot be loaded: .*; push another one, or go back"):
        predict_with_newest(LocalDirectory(tmp_path), [write_png(tmp_path / "light.png", 255)])


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """A missing path and a directory are each told as what they are."""
    image = write_png(tmp_path / "light.png", 255)
    assert unusable([tmp_path / "none.png", image, tmp_path]) == [
        f"{tmp_path / 'none.png'}: no such file",
        f"{tmp_path}: is a directory; give its files, as {tmp_path}/*",
    ]
