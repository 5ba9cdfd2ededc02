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
    ("changed", "stages"),
    [
        ("components/trainer/export.py", {"trainer"}),
        ("components/transform/preprocessing.py", {"transform"}),
        ("components/pixels.py", set(STAGES)),
        ("schemas/experiment.py", set(STAGES)),
        ("schemas/features.py", set(STAGES)),
        ("schemas/loading.py", set()),
    ],
)
def test_changed_code_changes_the_digest(changed: str, stages: set[str], copy: Path) -> None:
    """A change in a stage's folder counts for that stage, one in what all stages share for all, any other for none."""
    digest = digest_in(copy)
    before = {stage: digest(stage) for stage in STAGES}
    with (copy / changed).open("a") as file:
        file.write("\n# changed\n")
    assert {stage for stage in STAGES if digest(stage) != before[stage]} == stages


def test_a_renamed_or_new_file_changes_the_digest(copy: Path) -> None:
    """Which file says what counts, too."""
    digest = digest_in(copy)
    digests = [digest("trainer")]
    (copy / "components" / "trainer" / "feed.py").rename(copy / "components" / "trainer" / "fed.py")
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
