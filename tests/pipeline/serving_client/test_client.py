from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pipeline.prediction import predict
from pipeline.serving_client.client import predict_on_server
from pipeline.serving_client.failures import ServingError
from pipeline.serving_client.target import NUM_TRIES, Address, Target
from tests.command_line import in_process, in_subprocess
from tests.components.images import noise, png
from tests.pipeline.serving_client.model_server import Models, Refusal, grpc_server, http_server, rest_server
from tests.test_layout import HEAVY, ROOT, TRACE


def target(address: str, model: str = "pixels", label: str | None = None, timeout: float = 20) -> Target:
    return Target(Address.parse(address), model, label, timeout)


def failure(asked: Target, images: list[Path]) -> str:
    with pytest.raises(ServingError) as caught:
        predict_on_server(asked, images)
    return str(caught.value)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_server_predicts_as_the_model_does(address: str, images: list[Path], exported: Path) -> None:
    """Labels and probabilities are those of the same version in this process."""
    version, predictions = predict_on_server(target(address, label="stable"), images)
    assert version == 1
    assert predictions == list(predict(exported / "pixels", 1, images))
    assert [item.label for item in predictions] == [f"pixel {index}" for index in range(4)]


def test_a_broken_image_costs_only_itself(address: str, images: list[Path], exported: Path, tmp_path: Path) -> None:
    """One that the server cannot decode, or that is gone, gets its error; the rest go on, in their order."""
    (tmp_path / "text.png").write_text("no image")
    paths = [images[0], tmp_path / "text.png", tmp_path / "gone.png", images[3]]
    (tmp_path / "half.png").write_bytes(images[1].read_bytes()[:40])
    paths.insert(1, tmp_path / "half.png")
    _, predictions = predict_on_server(target(address, label="stable"), paths)
    assert predictions == list(predict(exported / "pixels", 1, paths))
    undecodable = "cannot be decoded; expected a JPEG, PNG, GIF or BMP file"
    assert [item.error for item in predictions] == [None, undecodable, undecodable, "No such file or directory", None]


def test_the_newest_version_answers_unless_a_label_is_named(
    address: str, images: list[Path], exported: Path, models: Models
) -> None:
    """All files of one command get the same version: each request names the one that was found first."""
    version, predictions = predict_on_server(target(address), images[:2])
    assert version == 2
    assert predictions == list(predict(exported / "pixels", 2, images[:2]))
    assert predictions[0].label == "bée"
    assert predict_on_server(target(address, label="candidate"), images[:1])[0] == 2
    models.loaded = {"pixels": {1: models.loaded["pixels"][1]}}
    assert predict_on_server(target(address), images[:2])[0] == 1
    assert models.asked == ["pixels/2"] * 5 + ["pixels/1"] * 3


def test_an_image_of_many_bytes(address: str, tmp_path: Path) -> None:
    """A file may be larger than gRPC's usual limit of 4 MiB."""
    path = tmp_path / "large.png"
    path.write_bytes(png(noise(1300, 1300, 3)))
    assert path.stat().st_size > 4 << 20
    _, [prediction] = predict_on_server(target(address), [path])
    assert prediction.label == "bée"


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_is_not_there(scheme: str, images: list[Path]) -> None:
    """It is tried a few times, then named, with the reason and what to look at."""
    address = f"{scheme}://127.0.0.1:{free_port()}"
    start = time.monotonic()
    message = failure(target(address), images)
    assert message.startswith(f"{address} cannot be reached: ")
    assert "refused" in message.lower()
    assert message.endswith("; check the address, and that the server runs")
    assert time.monotonic() - start < 15


class _SilentHandler(BaseHTTPRequestHandler):
    """Ends the connection without an answer, as a server does that is going down."""

    def do_GET(self) -> None:
        """Nothing."""
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_server_that_goes_away(images: list[Path]) -> None:
    """A connection that breaks off is told as that."""
    with http_server(_SilentHandler) as address:
        message = failure(target(address), images)
    assert message.startswith(f"{address} cannot be reached: Remote end closed connection without response; ")


def test_a_model_that_is_not_there(address: str, images: list[Path]) -> None:
    """The model is named, or the label, with what the server says and what to do."""
    message = failure(target(address, "roses"), images)
    assert message.startswith(f"{address} has no model 'roses': Servable not found for request: Latest(roses);")
    assert message.endswith("name one that it has loaded, with --model and --label")
    message = failure(target(address, label="blue"), images)
    assert "has no version 'blue' of the model 'pixels': Unrecognized servable version label: blue" in message


def test_a_model_that_takes_no_images(address: str, images: list[Path]) -> None:
    """A model that Darkroom did not export is refused before any image is sent."""
    message = failure(target(address, "doubling"), images)
    assert (
        message == f"the model 'doubling' at {address} takes x; expected image_bytes in its signature serving_default"
    )


def test_a_late_answer(address: str, images: list[Path], models: Models) -> None:
    """A server that does not answer in time is given up, and not asked again."""
    models.delay = 1.5
    start = time.monotonic()
    assert failure(target(address, timeout=0.5), images) == (
        f"{address} did not answer within 0.5 s; allow more with --timeout"
    )
    assert time.monotonic() - start < 1.5
    assert models.num_requests == 1


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_busy_server_is_asked_again(status: int, address: str, images: list[Path], models: Models) -> None:
    """A refusal for now is no failure while it passes in a few tries."""
    models.refusals = [Refusal(status, "not now")] * (NUM_TRIES - 1)
    assert predict_on_server(target(address), images[:1])[0] == 2
    assert models.num_requests == NUM_TRIES + 1


@pytest.mark.parametrize("status", [429, 503])
def test_tries_end(status: int, address: str, images: list[Path], models: Models) -> None:
    """A server that stays busy is named, with its reason."""
    models.refusals = [Refusal(status, "not now")] * 50
    assert "not now; " in failure(target(address), images)
    assert models.num_requests == NUM_TRIES


class _OtherHandler(BaseHTTPRequestHandler):
    """Answers as some other web server does."""

    def do_GET(self) -> None:
        """A page, or another address, or an error."""
        status = {"page": 200, "moved": 302}.get(self.path.split("/")[3], 500)
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"<p/>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(("model", "told"), [("page", "<p/>"), ("moved", "HTTP 302 <p/>"), ("x", "HTTP 500 <p/>")])
def test_another_web_server(model: str, told: str, images: list[Path]) -> None:
    """What does not speak TensorFlow Serving's REST is told as such."""
    with http_server(_OtherHandler) as address:
        message = failure(target(address, model), images)
    assert message == f"{address} does not answer as TensorFlow Serving does: {told}"


def test_another_grpc_server(images: list[Path]) -> None:
    """The same for gRPC."""
    with grpc_server(None) as address:
        message = failure(target(address), images)
    assert message.startswith(f"{address} does not answer as TensorFlow Serving does: UNIMPLEMENTED")


def test_the_command_line(address: str, images: list[Path], tmp_path: Path) -> None:
    """`predict --server` prints what `predict` prints, and needs no version at hand; its exit status is 1 on errors."""
    asked = ("predict", "digits", "--workspace", str(tmp_path / "w"), "--server", address, "--model", "pixels")
    plain = in_process(*asked, "--label", "stable", str(images[2]))
    assert (plain.exit_status, plain.errors) == (0, "")
    assert plain.output.startswith(f"{images[2]}: pixel 2 ")
    (tmp_path / "text.png").write_text("no image")
    told = in_process(*asked, "--json", str(images[0]), str(tmp_path / "text.png"))
    assert told.exit_status == 1
    assert told.json["version"] == 2
    assert [item.get("label") for item in told.json["predictions"]] == ["bée", None]
    absent = in_process(*asked, "--model", "roses", "--json", str(images[0]))
    assert (absent.exit_status, absent.shows_a_trace) == (1, False)
    assert absent.json["errors"][0].startswith(f"{address} has no model 'roses'")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--server", "localhost:8501"], "got 'localhost:8501'; expected http://HOST:8501"),
        (["--label", "stable"], "--label is for a model server"),
        (["--server", "http://localhost:1", "--timeout", "0"], "--timeout"),
    ],
)
def test_wrong_options_are_2(options: list[str], expected: str, images: list[Path]) -> None:
    """They are told before anything is asked."""
    outcome = in_process("predict", "digits", str(images[0]), *options)
    assert outcome.exit_status == 2
    assert outcome.output == ""
    assert expected in outcome.errors


def test_nothing_else_is_printed(address: str, images: list[Path]) -> None:
    """In a process of its own, too, nothing but the prediction is on standard output and error."""
    outcome = in_subprocess("predict", "digits", str(images[0]), "--server", address, "--model", "pixels")
    assert (outcome.exit_status, outcome.errors) == (0, "")
    assert outcome.output == f"{images[0]}: bée 0.700  (then cat 0.300)\n"


def test_rest_loads_no_tensorflow(models: Models, images: list[Path]) -> None:
    """A client of REST starts at once."""
    with rest_server(models) as address:
        arguments = ["predict", "digits", str(images[0]), "--server", address, "--model", "pixels"]
        result = subprocess.run(
            [sys.executable, "-c", TRACE, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
        )
    outcome = json.loads(result.stdout.splitlines()[-1])
    assert outcome["status"] == 0, result.stdout + result.stderr
    assert "bée 0.700" in result.stdout
    assert not HEAVY & set(outcome["loaded"])
