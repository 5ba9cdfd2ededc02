"""TensorFlow Serving's REST and gRPC, over models that TensorFlow itself has loaded.

Paths, JSON, error messages and statuses are those of tensorflow_serving/model_servers/http_rest_api_handler.cc and
http_server.cc, util/json_tensor.cc and servables/tensorflow/get_model_metadata_impl.cc.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

_PREDICT = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?:predict")
_METADATA = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?/metadata")
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


class Refusal(Exception):
    """A status of the server, as REST numbers it, and its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Loaded:
    """A version that is served."""

    def __init__(self, directory: Path) -> None:
        self.model = tf.saved_model.load(str(directory))
        content = (directory / "saved_model.pb").read_bytes()
        [graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
        self.signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=graph.signature_def)

    def run(self, signature: str, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The outputs of a signature."""
        try:
            outputs: dict[str, tf.Tensor] = self.model.signatures[signature](**inputs)
        except tf.errors.InvalidArgumentError as error:
            raise Refusal(400, error.message) from error
        return outputs


@dataclass
class Models:
    """What a server has loaded, by name and version, and how it behaves."""

    loaded: dict[str, dict[int, Loaded]]
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before each answer."""
    refusals: list[Refusal] = field(default_factory=list)
    """Given in place of the next answers."""
    asked: list[str] = field(default_factory=list)
    """The model and version of each request that was answered, as `pixels/1`."""
    num_requests: int = 0

    def find(self, name: str, version: int | None, label: str | None) -> tuple[int, Loaded]:
        """The version that is asked for."""
        self.num_requests += 1
        time.sleep(self.delay)
        if self.refusals:
            raise self.refusals.pop(0)
        versions = self.loaded.get(name, {})
        if label:
            if label not in self.labels.get(name, {}):
                raise Refusal(400, f"Unrecognized servable version label: {label}")
            version = self.labels[name][label]
        found = max(versions, default=None) if version is None else version
        if found not in versions:
            asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise Refusal(404, f"Servable not found for request: {asked}")
        self.asked.append(f"{name}/{found}")
        return found, versions[found]


@contextmanager
def rest_server(models: Models) -> Iterator[str]:
    """Serves by REST; yields the address."""
    with http_server(_RestHandler, models) as address:
        yield address


@contextmanager
def http_server(handler: type[BaseHTTPRequestHandler], models: Models | None = None) -> Iterator[str]:
    """Runs an HTTP server on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.models = models  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@contextmanager
def grpc_server(models: Models | None) -> Iterator[str]:
    """Serves by gRPC, without the service where there are no models; yields the address."""
    options = [("grpc.max_receive_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2), options=options)
    if models is not None:
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_GrpcService(models), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait(timeout=10)


class _RestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(_METADATA, self._metadata)

    def do_POST(self) -> None:
        self._answer(_PREDICT, self._predict)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, pattern: re.Pattern[str], answer: Any) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, text = 200, ""
        try:
            match = pattern.fullmatch(self.path)
            if match is None:
                raise Refusal(400, f"Malformed request: {self.command} {self.path}")
            name, version, label = match.groups()
            models: Models = self.server.models  # type: ignore[attr-defined]
            found = models.find(unquote(name), int(version) if version else None, unquote(label) if label else None)
            text = answer(unquote(name), *found, body)
        except Refusal as refusal:
            status, text = refusal.status, json.dumps({"error": str(refusal)})
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _metadata(self, name: str, version: int, loaded: Loaded, _body: bytes) -> str:
        signatures = json_format.MessageToDict(loaded.signatures, preserving_proto_field_name=True)
        specification = {"name": name, "signature_name": "", "version": str(version)}
        return json.dumps({"model_spec": specification, "metadata": {"signature_def": signatures}})

    def _predict(self, _name: str, _version: int, loaded: Loaded, body: bytes) -> str:
        request = json.loads(body)
        instances = request["instances"]
        columns = {
            key: tf.constant([base64.b64decode(instance[key]["b64"], validate=True) for instance in instances])
            for key in instances[0]
        }
        outputs = loaded.run(request["signature_name"], columns)
        rows = [
            ", ".join(f"{json.dumps(key)}: {_json(value[row].numpy())}" for key, value in outputs.items())
            for row in range(len(instances))
        ]
        return f'{{"predictions": [{", ".join(f"{{{row}}}" for row in rows)}]}}'


class _GrpcService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models: Models) -> None:
        self._models = models

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        version, loaded = self._find(request.model_spec, context)
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        try:
            outputs = loaded.run(request.model_spec.signature_name, inputs)
        except Refusal as refusal:
            context.abort(_CODES[refusal.status], str(refusal))
        answer = predict_pb2.PredictResponse()
        answer.model_spec.version.value = version
        for name, value in outputs.items():
            if not request.output_filter or name in request.output_filter:
                answer.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return answer

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        version, loaded = self._find(request.model_spec, context)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.name = request.model_spec.name
        answer.model_spec.version.value = version
        for name in request.metadata_field:
            answer.metadata[name].Pack(loaded.signatures)
        return answer

    def _find(self, specification: Any, context: grpc.ServicerContext) -> tuple[int, Loaded]:
        version = specification.version.value if specification.HasField("version") else None
        try:
            return self._models.find(specification.name, version, specification.version_label or None)
        except Refusal as refusal:
            context.abort(_CODES[refusal.status], str(refusal))
            raise


def _json(value: Any) -> str:
    """Floats in six digits where that is exact, else in nine; strings as they are."""
    if isinstance(value, np.ndarray):
        return f"[{', '.join(map(_json, value))}]"
    if isinstance(value, np.floating):
        short = f"{value:.6g}"
        return short if np.float32(short) == value else f"{value:.9g}"
    return json.dumps(value.decode() if isinstance(value, bytes) else int(value))
