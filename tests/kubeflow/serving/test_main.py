from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from kubeflow.serving.__main__ import main
from tests.kubeflow.serving.cluster import problems
from tests.test_layout import HEAVY, ROOT


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


@pytest.mark.parametrize("kind", ["tensorflow-serving", "kserve"])
def test_manifests_are_printed_or_written(kind: str, tmp_path: Path) -> None:
    """Standard output or --output FILE get the same bytes, which a cluster takes; nothing is asked for them."""
    arguments = ("digits", "--set", "push.directory=/models/digits", "--kind", kind, "--replicas", "2")
    printed = run(*arguments)
    assert (printed.exit_code, printed.stderr) == (0, "")
    manifests = list(yaml.safe_load_all(printed.stdout))
    assert [problem for manifest in manifests for problem in problems(manifest)] == []
    written = run(*arguments, "--output", str(tmp_path / "manifests.yaml"))
    assert (written.exit_code, written.stdout) == (0, "")
    assert (tmp_path / "manifests.yaml").read_text() == printed.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("digts",), "no experiment is named 'digts'; did you mean 'digits'?"),
        (("digits", "--set", "push.directory=s3://b/d"), "TensorFlow Serving reads no s3://"),
        (("digits", "--cpu", "1x"), "'--cpu': got '1x'; expected a Kubernetes quantity, as 500m, 2 or 4Gi"),
        (("digits", "--claim", "My_claim"), "'--claim': got 'My_claim'; expected lower-case letters"),
        (("digits", "--sub-path", "a/../b"), "'--sub-path': got 'a/../b'; expected a relative path"),
        (("digits", "--sub-path", "/a"), "'--sub-path': got '/a'; expected a relative path"),
        (("digits", "--version", "a:b"), "'--version': got 'a:b'; expected a tag"),
        (("digits", "--replicas", "0"), "'--replicas'"),
    ],
)
def test_what_is_wrong_is_told(arguments: tuple[str, ...], expected: str) -> None:
    """Exit status 2, nothing on standard output, and what was expected."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert expected in " ".join(result.stderr.split())


def test_a_file_that_cannot_be_written_is_1(tmp_path: Path) -> None:
    """The file and the reason are named."""
    result = run("digits", "--output", str(tmp_path / "none" / "manifests.yaml"))
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


def test_no_tensorflow_is_loaded() -> None:
    """The command answers at once: it loads neither TensorFlow nor TFX."""
    code = (
        "import sys, kubeflow.serving.__main__ as command\n"
        "command.main(['digits'], standalone_mode=False)\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "kind: Deployment" in result.stdout
    assert not HEAVY & set(result.stderr.split())
