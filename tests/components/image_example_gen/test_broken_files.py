from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from components.image_example_gen.component import ImageExampleGen
from components.image_example_gen.facts import SCHEMA, SOURCE, read_all_facts
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.splitting import SPLITS
from schemas import features
from schemas.data import Data
from tests.components.images import noise, png, read_examples
from tests.components.odd_files import BROKEN, KEPT, PNG, opaque
from tests.components.stages import Stages

NUM_GOOD = 40
# Decoded, the smallest of the bombs takes more than twice as much.
MAX_SECONDS, MAX_BYTES = 60, 256 << 20


class Ingested(NamedTuple):
    """What one ingestion over all of them made."""

    facts: dict[str, dict[str, Any]]
    refusals: dict[str, dict[str, Any]]
    """Lines of the quarantine, with the `original` beside them."""
    examples: dict[bytes, bytes]
    """The image's bytes by the name of the file."""
    report: IngestionReport
    seconds: float
    grown: int
    """Bytes that this process took at its peak, beyond those it took before."""


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """Every file of the three tables in one image folder, ingested as in a pipeline."""
    root = tmp_path_factory.mktemp("broken")
    source = root / "source"
    files = {f"odd/{name}": broken[0] for name, broken in BROKEN.items()}
    files |= {f"odd/{name}": kept.content for name, kept in KEPT.items()}
    files |= {f"good/{number}.png": png(noise(8, 8, 3, 100 + number)) for number in range(NUM_GOOD)}
    files |= {"loose.png": PNG, "nested/deep/below/a.png": PNG, os.fsdecode(b"\xe9t\xe9/a.png"): b"a text"}
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    (root / "outside.png").write_bytes(PNG)
    (source / "odd" / "link.png").symlink_to(root / "outside.png")
    (source / "odd" / "dangling.png").symlink_to(source / "odd" / "nowhere.png")
    os.mkfifo(source / "odd" / "pipe.png")

    stages, before, start = Stages(root / "stages"), _peak(), time.monotonic()
    data = Data.model_validate({"source": str(source), "format": "image_folder"})
    stages.run([ImageExampleGen(data, str(source), str(root / "quarantine"))])
    seconds, grown = time.monotonic() - start, _peak() - before
    uri = stages.path("ImageExampleGen", "examples")
    report = IngestionReport.from_json((uri / "ingestion.json").read_text())
    return Ingested(_facts(uri), _quarantine(str(report.quarantine)), _examples(uri), report, seconds, grown)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _facts(uri: Path) -> dict[str, dict[str, Any]]:
    return {row[SOURCE]: row for row in read_all_facts(str(uri), SCHEMA.names).to_pylist()}


def _quarantine(path: str) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in Path(f"{path}.jsonl").read_text().splitlines()]
    records = list(tf.data.TFRecordDataset(f"{path}.tfrecord").as_numpy_iterator())
    return {line["source"]: line | {"original": record} for line, record in zip(lines, records, strict=True)}


def _examples(uri: Path) -> dict[bytes, bytes]:
    found = [example.features.feature for split in SPLITS for example in read_examples(uri / f"Split-{split}")]
    return {
        feature[features.FILENAME].bytes_list.value[0]: feature[features.ENCODED].bytes_list.value[0]
        for feature in found
    }


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_put_into_quarantine(name: str, ingested: Ingested) -> None:
    """Whatever is wrong with a file, its line says what, and beside it stands the file itself with its class."""
    content, reason, detail = BROKEN[name]
    line = ingested.refusals[f"odd/{name}"]
    assert (line["index"], line["reason"], line["feature"]) == (0, reason, features.ENCODED), line
    assert detail in line["detail"]
    original = tf.train.Example.FromString(line["original"]).features.feature
    assert original[features.ENCODED].bytes_list.value == [content]
    assert original[features.FILENAME].bytes_list.value == [os.fsencode(f"odd/{name}")]
    assert original[features.LABEL_TEXT].bytes_list.value == [b"odd"]


@pytest.mark.parametrize("name", KEPT)
def test_an_odd_file_that_can_be_decoded_is_kept(name: str, ingested: Ingested) -> None:
    """Its facts are those of the pixels that Pillow sees, whatever the file is called, and its bytes are unchanged."""
    kept = KEPT[name]
    pixels = opaque(kept.content) if kept.pixels is None else kept.pixels
    found = ingested.facts[os.fsencode(f"odd/{name}").decode("utf-8", "replace")]
    assert found[features.FORMAT] == kept.format.encode()
    shape = tuple(found[side] for side in (features.HEIGHT, features.WIDTH, features.CHANNELS))
    assert shape == (*pixels.shape[:2], kept.channels)
    assert found[features.NUM_BYTES] == len(kept.content)
    if kept.tolerance is not None:
        np.testing.assert_allclose(found[features.MEAN], pixels.mean(), atol=kept.tolerance)
    assert ingested.examples[os.fsencode(f"odd/{name}")] == kept.content


@pytest.mark.parametrize(
    ("name", "reason", "detail"),
    [
        ("odd/link.png", "outside_of_source", "a link that leads out of the source"),
        ("odd/pipe.png", "unreadable", "not a file, but a directory, a pipe or a device"),
    ],
)
def test_what_is_no_file_of_the_source_is_not_read(name: str, reason: str, detail: str, ingested: Ingested) -> None:
    """A link that leads out is not followed, and no writer of a pipe is waited for."""
    line = ingested.refusals[name]
    assert line["reason"] == reason
    assert detail in line["detail"]
    assert PNG not in line["original"]


def test_a_file_without_a_class_is_put_into_quarantine(ingested: Ingested) -> None:
    """An image beside the directories of the classes is refused for its label, and can be had from the quarantine."""
    line = ingested.refusals["loose.png"]
    assert (line["reason"], line["feature"]) == ("missing_label", features.LABEL)
    original = tf.train.Example.FromString(line["original"]).features.feature
    assert original[features.ENCODED].bytes_list.value == [PNG]
    assert features.LABEL not in original


def test_a_class_whose_name_is_no_text_is_no_obstacle(ingested: Ingested) -> None:
    """Of a directory named in another encoding than UTF-8 the quarantine has the file's name, byte for byte."""
    line = ingested.refusals[os.fsdecode(b"\xe9t\xe9/a.png")]
    original = tf.train.Example.FromString(line["original"]).features.feature
    assert original[features.FILENAME].bytes_list.value == [b"\xe9t\xe9/a.png"]
    assert original[features.LABEL_TEXT].bytes_list.value == [rb"\xe9t\xe9"]


def test_every_good_image_among_them_is_kept(ingested: Ingested) -> None:
    """No broken file costs another: the good ones are there byte for byte, and nothing else is."""
    for number in range(NUM_GOOD):
        assert ingested.examples[f"good/{number}.png".encode()] == png(noise(8, 8, 3, 100 + number))
    assert ingested.examples[b"nested/deep/below/a.png"] == PNG
    assert len(ingested.examples) == len(ingested.facts) == NUM_GOOD + 1 + len(KEPT)
    assert ingested.report.num_examples.total() == len(ingested.facts)
    assert ingested.report.num_refused.total() == len(ingested.refusals)
    assert set(BROKEN) <= {name.removeprefix("odd/") for name in ingested.refusals}


def test_bombs_are_not_decoded(ingested: Ingested) -> None:
    """Images of billions of pixels cost neither the memory nor the time that decoding them would take."""
    assert ingested.seconds < MAX_SECONDS
    assert ingested.grown < MAX_BYTES


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_must_not_be_read_is_put_into_quarantine(tmp_path: Path) -> None:
    """A file without the right to read it is refused, and the others are kept."""
    for number in range(NUM_GOOD):
        path = tmp_path / "source" / f"{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(noise(8, 8, 3, number)))
    path.chmod(0)
    stages = Stages(tmp_path / "stages")
    data = Data.model_validate({"source": str(tmp_path / "source"), "format": "image_folder"})
    stages.run([ImageExampleGen(data, str(tmp_path / "source"), str(tmp_path / "quarantine"))])
    uri = stages.path("ImageExampleGen", "examples")
    report = IngestionReport.from_json((uri / "ingestion.json").read_text())
    assert report.num_refused == {"unreadable": 1}
    assert report.num_examples.total() == NUM_GOOD - 1
