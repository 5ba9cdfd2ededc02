from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipeline.ingest import INVALID, TOO_MANY_REFUSED, UNUSABLE, write_tfrecords
from schemas import features
from schemas.data import Data
from tests.command_line import in_subprocess
from tests.components.images import jpeg, noise, png, smooth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of PNG and JPEG files."""
    root = tmp_path / "flowers"
    for number, label in enumerate(("daisy", "rose", "daisy", "rose")):
        (root / label).mkdir(parents=True, exist_ok=True)
        (root / label / f"{number}.png").write_bytes(png(noise(6, 8, 3, number)))
    (root / "rose" / "4.jpg").write_bytes(jpeg(smooth(9, 5, 1)))
    return root


def examples_of(directory: Path) -> list[tf.train.Example]:
    return [
        tf.train.Example.FromString(record)
        for path in sorted(directory.glob("*.tfrecord"))
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]


def value(example: tf.train.Example, name: str) -> Any:
    feature = example.features.feature[name]
    return getattr(feature, feature.WhichOneof("kind")).value[0]


def test_files_are_kept_as_they_are(folder: Path, tmp_path: Path) -> None:
    """`compressed` holds the bytes of each file, its class by number and name, and where it came from."""
    result = write_tfrecords(Data(source=str(folder), format="image_folder"), str(tmp_path / "out"), "compressed")
    assert (result.exit_status, result.examples, result.labels) == (0, {"examples": 5}, ["daisy", "rose"])
    found = {value(example, features.FILENAME): example for example in examples_of(tmp_path / "out")}
    for path in folder.glob("*/*"):
        example = found[f"{path.parent.name}/{path.name}".encode()]
        assert value(example, features.ENCODED) == path.read_bytes()
        assert value(example, features.LABEL_TEXT) == path.parent.name.encode()
        assert value(example, features.LABEL) == ["daisy", "rose"].index(path.parent.name)


@pytest.mark.parametrize("encoding", ["raw", "float32"])
def test_pixels_come_back(folder: Path, tmp_path: Path, encoding: str) -> None:
    """What is written as pixels is read by an experiment of that encoding, and back into PNG files, unchanged."""
    pixels, files = tmp_path / "pixels", tmp_path / "files"
    assert write_tfrecords(Data(source=str(folder), format="image_folder"), str(pixels), encoding).exit_status == 0
    assert (
        write_tfrecords(
            Data.model_validate({"source": str(pixels), "encoding": encoding}), str(files), "compressed"
        ).exit_status
        == 0
    )
    for stored, example in zip(examples_of(pixels), examples_of(files), strict=True):
        shape = [value(stored, name) for name in (features.HEIGHT, features.WIDTH, features.CHANNELS)]
        content = value(stored, features.ENCODED)
        raw = encoding == "raw"
        numbers = np.frombuffer(content, np.uint8) if raw else np.frombuffer(content, np.float32) * 255
        expected = numbers.reshape(shape)
        decoded = tf.io.decode_png(value(example, features.ENCODED)).numpy()
        np.testing.assert_allclose(decoded, expected, atol=0.51 if encoding == "float32" else 0)
        original = tf.io.decode_image((folder / value(stored, features.FILENAME).decode()).read_bytes()).numpy()
        np.testing.assert_array_equal(decoded, original)


def test_given_splits_become_files_of_their_own(tmp_path: Path) -> None:
    """A manifest's splits are kept as names of files, and the hint says how an experiment takes them."""
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(png(noise(4, 4, 1, number)))
    manifest = tmp_path / "all.csv"
    manifest.write_text("path,label,split\n0.png,a,train\n1.png,b,train\n2.png,a,test\n3.png,b,val\n")
    result = write_tfrecords(Data(source=str(manifest), format="manifest"), str(tmp_path / "out"), "compressed")
    assert result.examples == {"train": 2, "eval": 1, "test": 1}
    assert len(read_examples_of(tmp_path / "out", "train")) == 2
    assert 'splits: {train: "train-*", eval: "eval-*", test: "test-*"}' in result.describe()


def read_examples_of(directory: Path, split: str) -> list[Path]:
    return [path for path in directory.glob(f"{split}-*") for _ in tf.data.TFRecordDataset(str(path))]


def test_what_cannot_be_used_is_kept_apart(folder: Path, tmp_path: Path) -> None:
    """Broken files are in `_quarantine`, with their reasons; too many of them are an exit status of 3."""
    (folder / "rose" / "broken.png").write_bytes(png(noise(4, 4, 1))[:40])
    result = write_tfrecords(Data(source=str(folder), format="image_folder"), str(tmp_path / "out"), "compressed")
    assert (result.status, result.exit_status) == (TOO_MANY_REFUSED, 3)
    assert result.refused == {"undecodable": 1}
    [lines] = (tmp_path / "out" / "_quarantine").glob("*.jsonl")
    [refused] = [json.loads(line) for line in lines.read_text().splitlines()]
    assert (refused["source"], refused["reason"]) == ("rose/broken.png", "undecodable")
    assert str(lines).removesuffix(".jsonl") in result.describe()
    assert len(examples_of(tmp_path / "out")) == 5


def test_nothing_is_overwritten_and_nothing_half_written(folder: Path, tmp_path: Path) -> None:
    """A directory that holds something is refused; a source that cannot be used leaves no directory."""
    data = Data(source=str(folder), format="image_folder")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    assert write_tfrecords(data, str(tmp_path / "full"), "raw").status == INVALID
    (tmp_path / "none").mkdir()
    result = write_tfrecords(Data(source=str(tmp_path / "none"), format="image_folder"), str(tmp_path / "out"), "raw")
    assert result.status == UNUSABLE
    assert "no file in" in result.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flowers", "full", "none"]


def test_the_command_says_how_to_go_on(folder: Path, tmp_path: Path) -> None:
    """`ingest` finds out what a source is, prints what it did, and ends with 2 where the source is not there."""
    done = in_subprocess("ingest", str(folder), str(tmp_path / "out"), "--encoding", "raw", "--json")
    assert (done.exit_status, done.json["status"], done.json["examples"]) == (0, "ingested", {"examples": 5})
    assert "encoding: raw" in done.errors
    missing = in_subprocess("ingest", str(tmp_path / "flower"), str(tmp_path / "other"))
    assert missing.exit_status == 2
    assert missing.errors.startswith("ingest: data.source: no such directory")
    assert "did you mean" in missing.errors
    again = in_subprocess("ingest", str(folder), str(tmp_path / "out"))
    assert (again.exit_status, again.output) == (2, "")
    assert "give a new directory" in again.errors
