"""A server on loopback that answers as the API of Kubeflow Pipelines 2 does, as far as the commands ask for it.

The real one needs a cluster. What is sent is held against KFP's own client models: unknown fields are errors.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import kfp_server_api

_MODELS = {
    "experiments": kfp_server_api.V2beta1Experiment,
    "runs": kfp_server_api.V2beta1Run,
    "recurringruns": kfp_server_api.V2beta1RecurringRun,
}
_IDS = {"experiments": "experiment_id", "runs": "run_id", "recurringruns": "recurring_run_id"}
_ACTIONS = {"enable": "ENABLED", "disable": "DISABLED"}


class Pipelines:
    """What the server has been told."""

    def __init__(self) -> None:
        self.address = ""
        self.token: str | None = None
        """Without which every request is refused; None takes all."""
        self.kept: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _MODELS}
        self.state = "SUCCEEDED"
        """In which runs are found."""

    def create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """Keeps a new thing under an id."""
        known = set(_MODELS[kind].attribute_map.values())
        assert set(body) <= known, f"KFP knows no {set(body) - known}"
        made = {**body, _IDS[kind]: f"{kind}-{len(self.kept[kind])}"}
        if kind == "recurringruns":
            made["status"] = "ENABLED"
        self.kept[kind].append(made)
        return made


@contextmanager
def kfp_server() -> Iterator[Pipelines]:
    """Serves until the end of the block."""
    pipelines = Pipelines()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"null")
            if pipelines.token and self.headers.get("Authorization", "").lower() != f"bearer {pipelines.token}".lower():
                self._answer(401, {"error": "who are you?"})
                return
            path = self.path.partition("?")[0].removeprefix("/apis/v2beta1/")
            if path == "healthz":
                self._answer(200, {"multi_user": False})
                return
            match = re.fullmatch(r"(\w+)(?:/([\w-]+))?(?::(\w+))?", path)
            kind, name, action = match.groups() if match else ("", None, None)
            if kind not in _MODELS:
                self._answer(404, {"error": f"no {path}"})
                return
            found = [each for each in pipelines.kept[kind] if each[_IDS[kind]] == name]
            if self.command == "POST" and name is None:
                self._answer(200, pipelines.create(kind, body))
            elif self.command == "GET" and name is None:
                plural = {"recurringruns": "recurringRuns"}.get(kind, kind)
                self._answer(200, {plural: pipelines.kept[kind], "total_size": len(pipelines.kept[kind])})
            elif not found:
                self._answer(404, {"error": f"no {path}"})
            elif self.command == "GET":
                self._answer(200, {**found[0], "state": pipelines.state})
            elif self.command == "DELETE":
                pipelines.kept[kind].remove(found[0])
                self._answer(200, {})
            else:
                found[0]["status"] = _ACTIONS[str(action)]
                self._answer(200, {})

        do_GET = do_POST = do_DELETE = _handle

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipelines.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield pipelines
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
