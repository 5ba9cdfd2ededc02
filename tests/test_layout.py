"""The layout: which package imports which, what stays light, what every file of the project keeps to."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import touch

ROOT = Path(__file__).parent.parent
NOT_OURS = {".git", ".uv", ".venv", "__pycache__", "workspace", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

MAY_IMPORT = {
    "schemas": set[str](),
    "components": {"schemas"},
    "pipeline": {"components", "schemas"},
    "local_runner": {"components", "pipeline", "schemas"},
    "kubeflow": {"components", "pipeline", "schemas"},
}
OURS = {*MAY_IMPORT, "tests"}
HEAVY = {
    "apache_beam",
    "keras",
    "kfp",
    "ml_metadata",
    "tensorflow",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tf_keras",
    "tfx",
    "tfx_bsl",
}

# In pieces, or this file would break the rule that it tests.
REGISTRIES = re.compile(
    "|".join(
        re.escape(host.replace(" ", "."))
        for host in (
            "pypi org",
            "pythonhosted org",
            "debian org",
            "archive ubuntu com",
            "anaconda org",
            "repo maven apache org",
            "repo1 maven org",
            "proxy golang org",
            "registry npmjs org",
        )
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w.<>}-])/(?:work|root|opt)/")

# Runs the command line in a process of its own and prints, as its last line, the packages that this loaded.
TRACE = """
import json, runpy, sys
sys.argv = ["local_runner.py", *sys.argv[1:]]
status = 0
try:
    runpy.run_path("local_runner.py", run_name="__main__")
except SystemExit as exit:
    status = exit.code or 0
print(json.dumps({"status": status, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@functools.cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project, relative to its root; not what runs and tools leave behind."""

    def walk(directory: Path) -> Iterator[Path]:
        for path in sorted(directory.iterdir()):
            if path.name in NOT_OURS:
                continue
            if path.is_dir():
                yield from walk(path)
            else:
                yield path.relative_to(ROOT)

    return tuple(walk(ROOT))


def modules() -> list[Path]:
    """Every Python file of the project."""
    return [path for path in project_files() if path.suffix == ".py"]


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project, with its text."""
    for path in project_files():
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def imported_packages(source: str, path: Path) -> set[str]:
    """Top-level packages that a module imports anywhere: at its head, inside functions, by `import_module`."""
    packages = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            packages.add(path.parts[0] if node.level else (node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            packages |= {
                argument.value.partition(".")[0]
                for argument in node.args[:1]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            }
    return packages


@pytest.mark.parametrize(
    "source",
    [
        "import tfx.types",
        "from tfx import types",
        "def f():\n    import tfx",
        "import importlib\ndef f():\n    importlib.import_module('tfx.types')",
    ],
)
def test_imports_are_seen_wherever_they_stand(source: str) -> None:
    """The rule cannot be got round by importing late."""
    assert "tfx" in imported_packages(source, Path("schemas/experiment.py"))


@pytest.mark.parametrize("path", [path for path in modules() if path.parts[0] != "tests"], ids=str)
def test_left_never_imports_right(path: Path) -> None:
    """schemas <- components <- pipeline <- local_runner.py, kubeflow; and nothing imports the tests."""
    place = path.parts[0].removesuffix(".py")
    assert place in MAY_IMPORT, f"{path} is at no place of the layout"
    imported = imported_packages((ROOT / path).read_text(encoding="utf-8"), path) & OURS
    wrong = imported - MAY_IMPORT[place] - {place}
    assert not wrong, f"{path} may not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("path", [path for path in modules() if path.parts[0] == "schemas"], ids=str)
def test_schemas_are_light(path: Path) -> None:
    """Reading an experiment needs no TensorFlow and no TFX."""
    assert not imported_packages((ROOT / path).read_text(encoding="utf-8"), path) & HEAVY


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["schedule", "--help"],
        ["validate", "digits"],
        ["status", "digits", "--workspace", "WORKSPACE"],
        ["rollback", "digits", "--workspace", "WORKSPACE"],
        ["gc", "digits", "--workspace", "WORKSPACE"],
        ["report", "digits", "--workspace", "WORKSPACE"],
    ],
    ids=" ".join,
)
def test_commands_that_need_no_tensorflow_load_none(arguments: list[str], tmp_path: Path) -> None:
    """Help, validation, status, rollback, gc and report answer at once, since they load neither TensorFlow nor TFX."""
    for version in (1, 2):
        touch(tmp_path / "digits" / "serving" / str(version), "saved_model.pb")
    touch(tmp_path / "digits" / "reports", "20260102T030405-abcd.html")
    stated = [str(tmp_path) if argument == "WORKSPACE" else argument for argument in arguments]
    result = subprocess.run(
        [sys.executable, "-c", TRACE, *stated], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    outcome = json.loads(result.stdout.splitlines()[-1])
    assert outcome["status"] == 0, result.stdout + result.stderr
    assert not HEAVY & set(outcome["loaded"])


@pytest.mark.parametrize("path", modules(), ids=str)
def test_modules_are_short_and_named_for_what_they_do(path: Path) -> None:
    """No module is over 300 lines, and none is a drawer for everything."""
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 300
    assert not re.search("utils?$|helpers?$|misc$|common$", path.stem)


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's configuration, never the repository's."""
    found = [f"{path}: {match[0]}" for path, text in texts() for match in REGISTRIES.finditer(text)]
    assert not found


def test_no_file_names_a_path_of_one_machine() -> None:
    """The project runs from wherever it lies."""
    found = [f"{path}: {match[0]}" for path, text in texts() for match in MACHINE_PATHS.finditer(text)]
    assert not found


@functools.cache
def readme_code() -> tuple[str, ...]:
    """The code of README.md: its fenced blocks and what stands between backticks."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    fenced = re.findall(r"^ *```.*?\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    return (*fenced, *re.findall(r"`([^`\n]+)`", prose))


def test_every_path_in_the_readme_exists() -> None:
    """Every link within the project, and every path in code that starts at a place of the layout, leads somewhere."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {target.partition("#")[0] for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)} - {""}
    places = "|".join([*OURS - {"local_runner"}, r"\.ci"])
    for code in readme_code():
        named |= set(re.findall(rf"(?<![\w./-])(?:{places})/[\w./-]*(?![\w*<{{])", code))
    files = {
        name for code in readme_code() for name in re.findall(r"(?<![\w./<>-])\w+\.(?:py|md|toml|lock|sh)\b", code)
    }
    assert named
    missing = {name for name in named if not (ROOT / name).exists()}
    missing |= files - {path.name for path in project_files()}
    assert not sorted(missing)


def test_every_make_target_in_the_readme_exists() -> None:
    """`make` knows each target that README.md names, run and test among them."""
    targets = {target for code in readme_code() for target in re.findall(r"\bmake ([a-z][\w-]*)", code)}
    assert {"run", "test"} <= targets
    subprocess.run(["make", "--dry-run", *sorted(targets)], cwd=ROOT, capture_output=True, check=True)


def test_every_subcommand_in_the_readme_exists() -> None:
    """`local_runner.py` knows each subcommand that README.md names."""
    pattern = r"local_runner\.py ([a-z][a-z|]*)"
    commands = {name for code in readme_code() for found in re.findall(pattern, code) for name in found.split("|")}
    assert "run" in commands
    for command in sorted(commands - {""}):
        result = subprocess.run(
            [sys.executable, "local_runner.py", command, "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
