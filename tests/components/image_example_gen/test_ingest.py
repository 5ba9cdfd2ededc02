from __future__ import annotations

from pathlib import Path

import apache_beam as beam
import numpy as np

from components.image_example_gen.facts import SCHEMA, SPLIT, read_all_facts
from components.image_example_gen.ingest import ingest
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.splitting import SPLITS
from components.image_example_gen.survey import survey
from pipeline.engine import use_this_process
from schemas import features
from schemas.data import Data
from tests.components.images import noise, png, read_examples

NUM_OF_EACH = {"cat": 60, "dog": 20, "emu": 4}
# With two copies.
NUM_KEPT = sum(NUM_OF_EACH.values()) + 2


def make_source(root: Path) -> Path:
    """An image folder of three classes, one of them rare, with two images twice."""
    for label, (name, count) in enumerate(NUM_OF_EACH.items()):
        (root / "source" / name).mkdir(parents=True)
        for index in range(count):
            content = png(noise(4, 4, 1, 1_000 * label + index))
            (root / "source" / name / f"{index:02d}.png").write_bytes(content)
    (root / "source" / "dog" / "copy.png").write_bytes((root / "source" / "cat" / "00.png").read_bytes())
    (root / "source" / "cat" / "copy.png").write_bytes((root / "source" / "cat" / "01.png").read_bytes())
    (root / "source" / "cat" / "broken.png").write_bytes(b"no image")
    return root / "source"


def run(root: Path, source: Path, encoding: str | None = None, **values: object) -> IngestionReport:
    use_this_process()
    data = Data.model_validate({"source": str(source), "format": "image_folder", **values})
    (root / "out").mkdir(parents=True)
    return ingest(survey(data, str(source)), data, str(root / "out"), str(root / "aside"), beam.Pipeline, encoding)


def test_the_report_counts_what_is_there(tmp_path: Path) -> None:
    """By split and class, as the facts and the shards have it; with names, copies, shares and the quarantine."""
    report = run(tmp_path, make_source(tmp_path))
    rows = read_all_facts(str(tmp_path / "out"), SCHEMA.names).to_pylist()
    for split in SPLITS:
        labels = [row[features.LABEL] for row in rows if row[SPLIT] == split]
        assert report.class_counts[split] == {label: labels.count(label) for label in set(labels)}
        assert report.num_examples[split] == len(labels) == len(read_examples(tmp_path / "out" / f"Split-{split}"))
    assert report.num_examples.total() == report.num_kept == NUM_KEPT
    assert report.label_texts == {0: "cat", 1: "dog", 2: "emu"}
    assert (report.copies.num_images, report.copies.num_examples, report.copies.num_conflicting) == (2, 4, 1)
    assert report.num_refused == {"unsupported_format": 1}
    assert Path(f"{report.quarantine}.jsonl").parent == tmp_path / "aside"
    assert set(report.shares) == set(SPLITS)
    np.testing.assert_allclose(sum(report.shares.values()), 1)


def test_only_the_result_is_left(tmp_path: Path) -> None:
    """What grew and what was gathered on the way is gone."""
    run(tmp_path, make_source(tmp_path))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"facts", *(f"Split-{split}" for split in SPLITS)}


def test_a_rare_class_is_in_every_split(tmp_path: Path) -> None:
    """With shares left to us, four images of a class are in all three splits; no image is lost or doubled."""
    report = run(tmp_path, make_source(tmp_path))
    assert report.is_stratified
    assert [report.class_counts[split][2] for split in SPLITS] == [2, 1, 1]
    names = [
        example.features.feature[features.FILENAME].bytes_list.value[0]
        for split in SPLITS
        for example in read_examples(tmp_path / "out" / f"Split-{split}")
    ]
    assert len(names) == len(set(names)) == NUM_KEPT
    for split in SPLITS:
        found = read_examples(tmp_path / "out" / f"Split-{split}")
        rows = [row for row in read_all_facts(str(tmp_path / "out"), SCHEMA.names).to_pylist() if row[SPLIT] == split]
        digests = [example.features.feature[features.SHA256].bytes_list.value[0].decode() for example in found]
        assert digests == [row[features.SHA256].hex() for row in rows]


def test_stated_shares_are_drawn_by_content_alone(tmp_path: Path) -> None:
    """With shares that the user states nothing is dealt out."""
    report = run(tmp_path, make_source(tmp_path), splits={"eval": 0.3, "test": 0.3})
    assert not report.is_stratified
    np.testing.assert_allclose(report.shares["test"], 0.3)


def test_images_may_be_stored_otherwise(tmp_path: Path) -> None:
    """As raw pixels every example has the pixels, and is called a RAW one."""
    report = run(tmp_path, make_source(tmp_path), encoding="raw")
    assert report.num_kept == NUM_KEPT
    expected = {
        noise(4, 4, 1, 1_000 * label + i).tobytes() for label, n in enumerate(NUM_OF_EACH.values()) for i in range(n)
    }
    examples = [
        item.features.feature for split in SPLITS for item in read_examples(tmp_path / "out" / f"Split-{split}")
    ]
    assert {feature[features.ENCODED].bytes_list.value[0] for feature in examples} == expected
    assert {feature[features.FORMAT].bytes_list.value[0] for feature in examples} == {b"RAW"}
