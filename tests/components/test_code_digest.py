from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from components.code_digest import code_digest

ROOT = Path(__file__).parents[2]
STAGES = sorted(path.parent.name for path in (ROOT / "components").glob("*/__init__.py"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the code that stages are made of."""
    for package in ("components", "schemas"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def digest_in(copy: Path) -> Callable[[str], str]:
    """`code_digest` as the copy has it."""
    spec = importlib.util.spec_from_file_location("copied_code_digest", copy / "components" / "code_digest.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[[str], str] = module.code_digest
    return function


def test_every_stage_has_a_digest_of_its_own() -> None:
    """Each stage's digest is 64 hexadecimal digits, the same each time, and no other stage's."""
    digests = {stage: code_digest(stage) for stage in STAGES}
    assert len(digests) > 5
    assert len(set(digests.values())) == len(digests)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())
    assert {stage: code_digest(stage) for stage in STAGES} == digests


def test_the_place_of_the_code_does_not_count(copy: Path) -> None:
    """The same code elsewhere has the same digest."""
    assert digest_in(copy)("trainer") == code_digest("trainer")


@pytest.mark.parametrize(
    ("changed", "counts_for", "not_for"),
    [
        ("components/trainer/export.py", {"trainer"}, {"evaluator", "image_example_gen", "transform"}),
        ("components/transform/preprocessing.py", {"transform"}, {"image_example_gen", "networks", "pusher"}),
        # By way of other modules.
        ("components/networks/small_cnn.py", {"networks", "trainer"}, {"image_example_gen", "pusher", "transform"}),
        ("components/pixels.py", {"image_example_gen", "transform"}, {"evaluator", "pusher", "schema_gen"}),
        ("schemas/training.py", {"trainer"}, {"data_gate", "image_example_gen", "pusher", "transform"}),
        ("schemas/features.py", {"image_example_gen", "transform", "trainer"}, {"networks", "pusher"}),
        # By no stage, or for its types alone.
        ("schemas/loading.py", set(), set(STAGES)),
        ("schemas/consistency.py", set(), set(STAGES)),
        ("schemas/experiment.py", set(), {"data_gate", "image_example_gen", "transform"}),
    ],
)
def test_changed_code_changes_the_digest(changed: str, counts_for: set[str], not_for: set[str], copy: Path) -> None:
    """A change counts for the stages in whose folder it is or that import it, however indirectly, and no others."""
    digest = digest_in(copy)
    stages = counts_for | not_for
    before = {stage: digest(stage) for stage in stages}
    with (copy / changed).open("a") as file:
        file.write("\n# changed\n")
    assert {stage for stage in stages if digest(stage) != before[stage]} == counts_for


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("import components.pixels", True),
        ("import os, components.pixels as p", True),
        ("from components import errors, pixels", True),
        ("from components.pixels import decode", True),
        ("def f():\n    from components.pixels import decode", True),
        ("if True:\n    import components.pixels", True),
        ("from schemas import features", False),
        ("import pixels", False),
        ("TEXT = 'import components.pixels'", False),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import components.pixels", False),
    ],
)
def test_what_counts_as_an_import(text: str, counts: bool, copy: Path) -> None:
    """Imports are seen in every form and at every place, but for those that type checking alone needs."""
    stage = copy / "components" / "new"
    stage.mkdir()
    (stage / "component.py").write_text(text + "\n")
    digest = digest_in(copy)
    before = digest("new")
    with (copy / "components" / "pixels.py").open("a") as file:
        file.write("\n# changed\n")
    assert (digest("new") != before) == counts


def test_modules_that_import_each_other_have_a_digest(copy: Path) -> None:
    """A circle of imports comes to an end, and each of its modules counts."""
    stage = copy / "components" / "new"
    stage.mkdir()
    (stage / "component.py").write_text("import components.one\n")
    (copy / "components" / "one.py").write_text("import components.other\n")
    (copy / "components" / "other.py").write_text("import components.one\n")
    digests = [digest_in(copy)("new")]
    for name in ("one", "other"):
        with (copy / "components" / f"{name}.py").open("a") as file:
            file.write("\n# changed\n")
        digests.append(digest_in(copy)("new"))
    assert len(set(digests)) == 3


def test_a_renamed_or_new_file_changes_the_digest(copy: Path) -> None:
    """Which file says what counts, too."""
    digest = digest_in(copy)
    digests = [digest("trainer")]
    (copy / "components" / "trainer" / "export.py").rename(copy / "components" / "trainer" / "exported.py")
    digests.append(digest("trainer"))
    (copy / "components" / "trainer" / "further.py").touch()
    digests.append(digest("trainer"))
    assert len(set(digests)) == 3


def test_another_version_of_a_core_package_changes_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed counts: with another TensorFlow nothing is taken from the cache."""
    before = code_digest("trainer")
    metadata = tmp_path / "tensorflow-99.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: tensorflow\nVersion: 99.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert code_digest("trainer") != before


def test_an_unknown_stage_is_an_error() -> None:
    """A stage that does not exist has no digest."""
    with pytest.raises(FileNotFoundError, match="no stage 'trainers'"):
        code_digest("trainers")
