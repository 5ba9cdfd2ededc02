from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline.notification.notify import deliver, notify
from pipeline.paths import Paths
from pipeline.record import RunRecord, read_record
from schemas.notifications import Notifications
from tests.pipeline.faults.disks import fill, mounted, remount

PAYLOAD = {"event": "pushed", "status": "pushed", "message": None, "version": 7}

UNKNOWN_COMMAND = "/nowhere/notify cannot be run: No such file or directory"


class Server(NamedTuple):
    """A real one on loopback, what it got, and what it is to answer with."""

    address: str
    requests: list[tuple[dict[str, str], Any]]
    answers: list[int]
    """Statuses, the last of which stays; a negative one is silence of that many seconds."""


@pytest.fixture
def server() -> Iterator[Server]:
    requests: list[tuple[dict[str, str], Any]] = []
    answers = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append((dict(self.headers), json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if answer < 0:
                time.sleep(-answer)
            else:
                self.send_response(answer)
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield Server(f"http://127.0.0.1:{http.server_port}/secret-path", requests, answers)
    http.shutdown()
    http.server_close()


def by_webhook(address: str, seconds: float = 20.0, **others: Any) -> Notifications:
    return Notifications.model_validate({"webhook": {"url": address, **others}, "timeout_seconds": seconds})


def test_a_webhook_gets_the_object(server: Server) -> None:
    """One POST with the payload as JSON; nothing to warn of."""
    assert deliver(by_webhook(server.address), PAYLOAD) == []
    [(headers, body)] = server.requests
    assert (headers["Content-Type"], body) == ("application/json", PAYLOAD)


def test_a_server_in_trouble_is_asked_again(server: Server) -> None:
    """500 twice, then 200: three requests, and no warning."""
    server.answers[:] = [500, 500, 200]
    assert deliver(by_webhook(server.address), PAYLOAD) == []
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("answers", "told"),
    [([404], "it answered 404; check its address and headers"), ([302], "it answered 302; check its address")],
)
def test_what_will_not_pass_is_not_tried_again(server: Server, answers: list[int], told: str) -> None:
    """An address that is wrong is told of after one request."""
    server.answers[:] = answers
    [warning] = deliver(by_webhook(server.address), PAYLOAD)
    assert warning.startswith(f"notification: the webhook was not told: {told}")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answers", "told"), [([500], "it answered 500"), ([-30], "it did not answer in time")], ids=["500", "slow"]
)
def test_tries_end_in_time(server: Server, answers: list[int], told: str) -> None:
    """A server that stays in trouble, or silent, costs no more than the time allowed."""
    server.answers[:] = answers
    began = time.monotonic()
    assert deliver(by_webhook(server.address, 2.0), PAYLOAD) == [f"notification: the webhook was not told: {told}"]
    assert time.monotonic() - began < 4


def test_a_dead_endpoint_is_a_warning_without_its_address() -> None:
    """Nobody listens there: told in words that hold no address."""
    assert deliver(by_webhook("http://127.0.0.1:9/secret-path", 1.5), PAYLOAD) == [
        "notification: the webhook was not told: it cannot be reached"
    ]


def test_secrets_come_from_the_environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Address and headers named by variables arrive; with wrong ones neither record nor warning holds their values."""
    monkeypatch.setenv("HOOK", server.address)
    monkeypatch.setenv("TOKEN", "Bearer hush")
    webhook = {"url_variable": "HOOK", "header_variables": {"Authorization": "TOKEN"}}
    notifications = Notifications.model_validate({"webhook": webhook})
    paths = Paths(tmp_path, "flowers")
    record = RunRecord("20260102T030405-abcd", "flowers", "0" * 64, "2026-01-02T03:04:05+00:00", "failed")
    notify(notifications, record, paths)
    [(headers, body)] = server.requests
    assert (headers["Authorization"], body["event"], body["run_id"]) == ("Bearer hush", "failed", record.run_id)
    assert record.warnings == []
    server.answers[:] = [403]
    monkeypatch.setenv("TOKEN", "hush\nhush")
    for told in ("it cannot be asked (InvalidHeader)", "the variable TOKEN of the environment is not set"):
        notify(notifications, record, paths)
        assert told in record.warnings[-1]
        monkeypatch.delenv("TOKEN", raising=False)
    kept = (paths.runs / record.run_id / "record.json").read_text()
    assert "not told" in kept
    assert "hush" not in kept
    assert "secret-path" not in kept
    assert read_record(paths.runs, record.run_id) == record


def test_only_what_was_asked_for_is_told(server: Server, tmp_path: Path) -> None:
    """A run with nothing new never is; a push is not where only failures are asked for."""
    notifications = by_webhook(server.address).model_copy(update={"events": ("failed",)})
    for status in ("unchanged", "pushed", "not_blessed"):
        notify(notifications, RunRecord("r", "flowers", "0", "2026-01-02T03:04:05+00:00", status), Paths(tmp_path, "x"))
    assert server.requests == []


def test_a_warning_that_cannot_be_written_harms_nothing(tmp_path: Path) -> None:
    """On a full disk, and on one that turned read-only: the record at hand has the warning, that on disk is whole."""
    paths = Paths(tmp_path / "disk", "flowers")
    record = RunRecord("20260102T030405-abcd", "flowers", "0" * 64, "2026-01-02T03:04:05+00:00", "failed")
    nowhere = Notifications(command=("/nowhere/notify",))
    with mounted(paths.workspace, megabytes=1) as disk:
        record.write(paths.runs)
        written = read_record(paths.runs, record.run_id)
        fill(disk / "ballast")
        notify(nowhere, record, paths)
        (disk / "ballast").unlink()
        remount(disk, "ro")
        notify(nowhere, record, paths)
        assert read_record(paths.runs, record.run_id) == written
    assert record.warnings == ["notification: the command was not told: " + UNKNOWN_COMMAND]


def test_a_command_gets_it_too(tmp_path: Path) -> None:
    """On standard input as JSON, its parts in the environment; without a shell."""
    script = "import os, sys; open(sys.argv[1], 'w').write(sys.stdin.read() + os.environ['DARKROOM_STATUS'])"
    file = tmp_path / "a b"
    assert deliver(Notifications(command=(sys.executable, "-c", script, str(file))), PAYLOAD) == []
    assert file.read_text() == json.dumps(PAYLOAD) + "pushed"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("/nowhere/notify",), UNKNOWN_COMMAND),
        (("sh", "-c", "echo no such list >&2; exit 3"), "sh ended with status 3: no such list"),
        (("sh", "-c", "sleep 30 & wait"), "sh had not ended after 1 s, and was killed"),
    ],
    ids=["missing", "failing", "slow"],
)
def test_a_command_that_fails_is_a_warning(command: tuple[str, ...], told: str) -> None:
    """One that is not there, fails, or does not end in time, with the children that it has started."""
    began = time.monotonic()
    warnings = deliver(Notifications(command=command, timeout_seconds=1), PAYLOAD)
    assert warnings == [f"notification: the command was not told: {told}"]
    assert time.monotonic() - began < 10
