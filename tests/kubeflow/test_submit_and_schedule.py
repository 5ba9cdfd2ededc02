from __future__ import annotations

from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner, Result

from kubeflow import schedule, submit
from tests.kubeflow.kfp_server import Pipelines, kfp_server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipelines]:
    for variable in ("DARKROOM_KFP_TOKEN", "KF_PIPELINES_ENDPOINT", "KUBECONFIG"):
        monkeypatch.delenv(variable, raising=False)
    with kfp_server() as pipelines:
        yield pipelines


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def submitted(server: Pipelines, *arguments: str) -> Result:
    return run(submit.main, "digits", "--image", "darkroom:1", "--host", server.address, *arguments)


def scheduled(server: Pipelines, *arguments: str) -> Result:
    options = ("--image", "darkroom:1", "--cron", "0 3 * * *", "--host", server.address)
    return run(schedule.main, "create", "digits", *options, *arguments)


def test_a_run(server: Pipelines) -> None:
    """The compiled pipeline is sent with what is given, under the experiment's name, without KFP's cache."""
    result = submitted(server, "--last-span", "7", "--set", "training.epochs=3", "--service-account", "darkroom")
    assert (result.exit_code, result.stdout) == (0, "run runs-0 is submitted\n")
    [group], [sent] = server.kept["experiments"], server.kept["runs"]
    assert group["display_name"] == sent["display_name"] == "digits"
    assert sent["experiment_id"] == "experiments-0"
    assert sent["service_account"] == "darkroom"
    assert sent["runtime_config"]["parameters"] == {"last_span": "7"}
    specification = sent["pipeline_spec"]["pipeline_spec"]
    assert specification["schemaVersion"] == "2.1.0"
    arguments = specification["deploymentSpec"]["executors"]["exec-training"]["container"]["args"]
    assert '"epochs":3' in " ".join(arguments)


@pytest.mark.parametrize("command", [submitted, scheduled])
def test_data_of_this_machine_may_be_replaced(command: Callable[..., Result], server: Pipelines) -> None:
    """By a place in the pods, which the compiled file then has."""
    here = ("--set", "data.dataset=null", "--set", "data.source=/home/ann/images")
    assert "is a place of this machine" in command(server, *here).stderr
    assert command(server, *here, "--data-source", "/darkroom/images").exit_code == 0


@pytest.mark.parametrize(("state", "exit_status"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_its_end_can_be_waited_for(server: Pipelines, state: str, exit_status: int) -> None:
    """The exit status says how it went."""
    server.state = state
    result = submitted(server, "--wait", "30")
    assert (result.exit_code, result.stdout) == (exit_status, f"run runs-0: {state}\n")


def test_a_token(server: Pipelines, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment; without it the refusal says so, and nothing of the token is shown."""
    server.token = "hush"
    result = run(schedule.main, "list", "--host", server.address)
    assert result.exit_code == 1
    assert (
        "does not answer as Kubeflow Pipelines does; see --host, and the token in DARKROOM_KFP_TOKEN" in result.stderr
    )
    assert "Traceback" not in result.output
    monkeypatch.setenv("DARKROOM_KFP_TOKEN", "hush")
    result = run(schedule.main, "list", "--host", server.address)
    assert (result.exit_code, result.stdout) == (0, "the namespace has no schedule\n")


def test_a_schedule(server: Pipelines) -> None:
    """Made, shown, paused, resumed, replaced and removed; its runs never overlap nor catch up."""
    assert scheduled(server).stdout == "digits: scheduled 0 3 * * * (recurringruns-0)\n"
    [sent] = server.kept["recurringruns"]
    assert sent["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert (sent["max_concurrency"], sent["no_catchup"]) == (1, True)
    assert sent["pipeline_spec"]["pipeline_spec"]["schemaVersion"] == "2.1.0"
    again = scheduled(server)
    assert (again.exit_code, again.stderr.splitlines()[-1]) == (
        1,
        "digits has a schedule already (recurringruns-0); see --replace",
    )
    host = ("--host", server.address)
    for change, done, status in (("pause", "paused", "DISABLED"), ("resume", "resumed", "ENABLED")):
        assert run(schedule.main, change, "digits", *host).stdout == f"digits: {done} (recurringruns-0)\n"
        assert run(schedule.main, "list", *host).stdout == f"digits  0 3 * * *  {status}  recurringruns-0\n"
    assert scheduled(server, "--replace").exit_code == 0
    assert [each["recurring_run_id"] for each in server.kept["recurringruns"]] == ["recurringruns-1"]
    missing = run(schedule.main, "pause", "digit", *host)
    assert (missing.exit_code, missing.stderr) == (2, "digit has no schedule; there are those of digits\n")
    assert run(schedule.main, "delete", "digits", *host).exit_code == 0
    assert not server.kept["recurringruns"]


@pytest.mark.parametrize("cron", ["0 3 * *", "0 25 * * *", "at three", "0 0 3 * * *"])
def test_times_that_are_none(cron: str) -> None:
    """Told with the form that is expected, before anything is compiled."""
    result = run(schedule.main, "create", "digits", "--cron", cron, "--image", "x")
    assert result.exit_code == 2
    assert f"got {cron!r}" in result.stderr
    assert "as '0 3 * * *'" in " ".join(result.stderr.split())


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address, and the option that changes it."""
    result = run(schedule.main, "list", "--host", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert result.stderr.startswith("http://127.0.0.1:9 does not answer: ")
    monkeypatch.setenv("HOME", "/nowhere")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    result = run(schedule.main, "list")
    assert result.exit_code == 2
    assert result.stderr.startswith("it is not known where Kubeflow Pipelines is: name it with --host")
