"""`setup_environment.sh`: which Python it chooses, when it installs, what it says where it cannot."""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = "setup_environment.sh"
TOOLS = (
    "awk",
    "bash",
    "cat",
    "chmod",
    "cp",
    "dirname",
    "env",
    "flock",
    "ln",
    "mkdir",
    "rm",
    "sh",
    "sha256sum",
    "sleep",
)

# Answers what the script asks of a Python of version {version}, and installs uv the way that pip would.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *realpath*) echo "{version} $0" ;;
    *sysconfig*) echo "$LACKING" ;;
    *"import ensurepip"*) exit "${{NO_ENSUREPIP:-0}}" ;;
    *"-m venv"*) mkdir -p .uv/bin && cp "$0" .uv/bin/python ;;
    *"-m pip install"*) cp "$FAKE_UV" .uv/bin/uv ;;
    *) echo {version} ;;
esac
"""

FAKE_UV = """#!/bin/sh
[ "$1" = --version ] && exit
echo "$*" >>"$UV_LOG"
case "$1" in
    venv) mkdir -p .venv/bin && ln -s "$4" .venv/bin/python ;;
    pip) sleep 0.2; [ -z "$BROKEN_NETWORK" ] || { echo "error: no route" >&2; exit 2; } ;;
esac
"""


class Machine:
    """A made-up machine: its PATH holds stand-ins for what the script asks, and a copy of the project's set-up."""

    def __init__(self, directory: Path) -> None:
        self.project = directory / "project"
        self.programs = directory / "bin"
        self.home = directory / "home"
        self.log = directory / "uv.log"
        for created in (self.project, self.programs, self.home):
            created.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"these tests need {tool}"
            (self.programs / tool).symlink_to(found)
        shutil.copy(ROOT / SCRIPT, self.project)
        (self.project / "requirements.lock").write_text("one==1\n")
        self.fake_uv = self._write(directory / "fake_uv", FAKE_UV)
        self.set_platform()

    def _write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def set_platform(self, libc: str = "glibc 2.36", system: str = "Linux", processor: str = "x86_64") -> None:
        """Sets what getconf and uname say. An empty libc is one that getconf does not know."""
        self.add_program("getconf", f"#!/bin/sh\n[ -n '{libc}' ] && echo '{libc}'\n")
        self.add_program("uname", f"#!/bin/sh\n[ $1 = -s ] && echo {system} || echo {processor}\n")

    def add_program(self, name: str, text: str) -> Path:
        """Puts a program on the PATH."""
        return self._write(self.programs / name, text)

    def add_python(self, version: str, directory: Path | None = None) -> Path:
        """Adds an interpreter, on the PATH unless a directory is named."""
        return self._write((directory or self.programs) / f"python{version}", FAKE_PYTHON.format(version=version))

    def add_uv(self) -> None:
        """Puts uv on the PATH."""
        shutil.copy(self.fake_uv, self.programs / "uv")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the script on this machine."""
        own = {"PATH": self.programs, "HOME": self.home, "UV_LOG": self.log, "FAKE_UV": self.fake_uv}
        return subprocess.run(
            [self.project / SCRIPT, *arguments],
            env={**{name: str(value) for name, value in own.items()}, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def installs(self) -> int:
        """How often packages were installed."""
        return self.log.read_text().count("pip sync") if self.log.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine of the older kind, without Python and uv."""
    return Machine(tmp_path)


def assert_one_sentence(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """The script refused, in one line that holds all parts."""
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for part in parts:
        assert part in result.stderr


@pytest.mark.parametrize(
    ("libc", "installed", "chosen"),
    [
        ("glibc 2.36", ["3.10", "3.11", "3.13"], "3.10"),
        ("glibc 2.17", ["3.10"], "3.10"),
        ("glibc 2.41", ["3.10", "3.11", "3.12", "3.13", "3.14"], "3.13"),
        ("glibc 2.39", ["3.10", "3.11"], "3.11"),
        ("glibc 2.41", ["3.10"], "3.10"),
    ],
)
def test_chooses_the_newest_stack_that_fits(machine: Machine, libc: str, installed: list[str], chosen: str) -> None:
    """glibc 2.39 and later get the newest of Python 3.11 to 3.13; all else, and what has none, gets 3.10."""
    machine.set_platform(libc)
    for version in installed:
        machine.add_python(version)
    result = machine.run("--print-python")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{machine.programs}/python{chosen}\n", "")


@pytest.mark.parametrize("place", ["PYENV_ROOT", "pyenv root", "home"])
def test_finds_a_python_that_only_pyenv_holds(machine: Machine, tmp_path: Path, place: str) -> None:
    """A shim whose version is not active is passed over, and pyenv's own versions are looked through."""
    machine.add_program("python3.10", "#!/bin/sh\necho 'pyenv: python3.10: command not found' >&2\nexit 127\n")
    root = machine.home / ".pyenv" if place == "home" else tmp_path / "elsewhere"
    python = machine.add_python("3.10", root / "versions" / "3.10.13" / "bin")
    if place == "pyenv root":
        machine.add_program("pyenv", f"#!/bin/sh\necho {root}\n")
    environment = {"PYENV_ROOT": str(root)} if place == "PYENV_ROOT" else {}
    assert machine.run("--print-python", **environment).stdout == f"{python}\n"


def test_a_named_python_comes_before_all_others(machine: Machine, tmp_path: Path) -> None:
    """DARKROOM_PYTHON is used, though a newer one is on the PATH."""
    machine.set_platform("glibc 2.41")
    machine.add_python("3.13")
    named = machine.add_python("3.11", tmp_path / "named")
    assert machine.run("--print-python", DARKROOM_PYTHON=str(named)).stdout == f"{named}\n"


def test_a_named_python_that_does_not_fit_is_refused(machine: Machine, tmp_path: Path) -> None:
    """DARKROOM_PYTHON is never replaced in silence: one sentence says why it does not do."""
    machine.add_python("3.10")
    named = machine.add_python("3.12", tmp_path / "named")
    assert_one_sentence(machine.run(DARKROOM_PYTHON=str(named)), "found Python 3.12", "glibc 2.36", "needed is")
    assert_one_sentence(machine.run(DARKROOM_PYTHON="/absent"), "DARKROOM_PYTHON=/absent does not run")


@pytest.mark.parametrize(
    ("platform", "found", "mend"),
    [
        ({"libc": "glibc 2.36"}, "found glibc 2.36 and Python 3.13", "install Python 3.10"),
        ({"libc": "glibc 2.12"}, "found Linux x86_64 with glibc 2.12", "use such a machine"),
        ({"libc": ""}, "found Linux x86_64 with no glibc", "use such a machine"),
        ({"processor": "aarch64"}, "found Linux aarch64", "use such a machine"),
        ({"system": "Darwin"}, "found Darwin x86_64", "use such a machine"),
    ],
)
def test_a_machine_that_does_not_fit_gets_one_sentence(
    machine: Machine, platform: dict[str, str], found: str, mend: str
) -> None:
    """The sentence says what was found, what is needed and how to mend it; nothing is installed."""
    machine.set_platform(**platform)
    machine.add_python("3.13")
    machine.add_uv()
    assert_one_sentence(machine.run(), found, "needed is x86-64 Linux", mend)
    assert machine.installs() == 0


def test_a_machine_without_python_gets_one_sentence(machine: Machine) -> None:
    """Where there is no Python at all, the sentence says so and names the newest that would do."""
    machine.set_platform("glibc 2.41")
    assert_one_sentence(machine.run(), "Python none", "install Python 3.13")


def test_a_missing_compiler_is_said_before_anything_is_installed(machine: Machine) -> None:
    """One package is built from source: without compiler or headers there is one sentence, and no installing."""
    machine.add_python("3.10")
    machine.add_uv()
    assert_one_sentence(machine.run(LACKING="the header Python.h"), "the header Python.h is missing", "python3.10-dev")
    assert machine.installs() == 0


def test_a_second_call_does_nothing(machine: Machine) -> None:
    """The environment is installed once; later calls print nothing and start no uv."""
    machine.add_python("3.10")
    machine.add_uv()
    first, second = machine.run(), machine.run()
    assert first.returncode == 0, first.stderr
    assert "Environment ready" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert machine.installs() == 1


@pytest.mark.parametrize("change", ["lock", "interpreter removed", "other interpreter named", "moved"])
def test_what_changed_is_installed_anew(machine: Machine, tmp_path: Path, change: str) -> None:
    """Another lock, interpreter or place makes the environment anew."""
    python = machine.add_python("3.10")
    machine.add_uv()
    machine.run()
    environment = {}
    if change == "lock":
        (machine.project / "requirements.lock").write_text("one==2\n")
    elif change == "interpreter removed":
        python.unlink()
        machine.add_python("3.10", machine.home / ".pyenv" / "versions" / "3.10.2" / "bin")
    elif change == "other interpreter named":
        environment["DARKROOM_PYTHON"] = str(machine.add_python("3.10", tmp_path / "named"))
    else:
        machine.project = machine.project.rename(tmp_path / "moved")
    assert machine.run(**environment).returncode == 0
    assert machine.installs() == 2


def test_an_interrupted_install_is_done_again(machine: Machine) -> None:
    """A failed install ends with exit status 1 and a way out, and the next call installs from the start."""
    machine.add_python("3.10")
    machine.add_uv()
    failed = machine.run(BROKEN_NETWORK="yes")
    assert failed.returncode == 1
    assert "error: no route" in failed.stderr
    assert "HTTPS_PROXY" in failed.stderr.splitlines()[-1]
    assert machine.run().returncode == 0
    assert machine.installs() == 2


def test_two_calls_at_once_install_once(machine: Machine) -> None:
    """The second of two calls waits for the first and finds its work done."""
    machine.add_python("3.10")
    machine.add_uv()
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda _: machine.run(), range(2)))
    assert [result.returncode for result in results] == [0, 0]
    assert machine.installs() == 1


def test_a_missing_uv_is_installed_by_pip(machine: Machine) -> None:
    """uv gets an environment of its own in the repository, once."""
    machine.add_python("3.10")
    assert machine.run().returncode == 0
    assert machine.run("--print-uv").stdout == f"{machine.project}/.uv/bin/uv\n"
    (machine.project / "requirements.lock").write_text("one==2\n")
    assert "Installing uv" not in machine.run().stderr
    assert machine.installs() == 2


def test_packages_are_verified_and_compiled(machine: Machine) -> None:
    """uv checks every package against its hash, and makes the bytecode at once."""
    machine.add_python("3.10")
    machine.add_uv()
    machine.run()
    assert {"--require-hashes", "--compile-bytecode"} <= set(machine.log.read_text().splitlines()[-1].split())


def test_a_python_that_cannot_make_environments_is_explained(machine: Machine) -> None:
    """Debian ships venv without ensurepip: the last line says which package mends that."""
    machine.add_python("3.10")
    result = machine.run(NO_ENSUREPIP="1")
    assert result.returncode == 1
    assert "python3.10-venv" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(("on_ci", "status"), [("true", 1), ("", 0)])
def test_ci_insists_on_the_data_set_on_a_ci_machine_only(machine: Machine, on_ci: str, status: int) -> None:
    """A data set that cannot be installed fails CI; elsewhere it is said, and the rest still runs."""
    for program in ("dpkg", "apt-get"):
        machine.add_program(program, "#!/bin/sh\nexit 1\n")
    machine.add_program("make", "#!/bin/sh\necho ran $1\n")
    machine.add_program("timeout", '#!/bin/sh\nshift 3\nexec "$@"\n')
    environment = {"PATH": str(machine.programs), "CI": on_ci}
    result = subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == status
    steps = ["lint", "run", "test", "test-long", "test-cluster", "test-containers", "bench", "soak-short", "transfer"]
    assert re.findall("ran (.*)", result.stdout) == ([] if status else steps)
