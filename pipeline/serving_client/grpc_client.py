"""TensorFlow Serving's gRPC API, whose messages bring TensorFlow with them."""

from __future__ import annotations

import json

import grpc
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2, predict_pb2, prediction_service_pb2_grpc

from pipeline.serving_client import failures
from pipeline.serving_client.target import FIRST_PAUSE_SECONDS, NUM_TRIES, Target
from schemas import features

_SERVICE = "tensorflow.serving.PredictionService"
_SIGNATURES = "signature_def"


class GrpcClient:
    """One channel, kept open; raises `ServingError` where there are no predictions to be had."""

    def __init__(self, target: Target) -> None:
        self._target = target
        retries = {
            "maxAttempts": NUM_TRIES,
            "initialBackoff": f"{FIRST_PAUSE_SECONDS}s",
            "maxBackoff": f"{FIRST_PAUSE_SECONDS * 2 ** (NUM_TRIES - 2)}s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
        }
        configuration = {"methodConfig": [{"name": [{"service": _SERVICE}], "retryPolicy": retries}]}
        options = [("grpc.service_config", json.dumps(configuration))]
        location = target.address.location
        if target.address.scheme == "grpcs":
            self._channel = grpc.secure_channel(location, grpc.ssl_channel_credentials(), options)
        else:
            self._channel = grpc.insecure_channel(location, options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def version(self) -> int:
        """The version that is asked, after a look at what it takes."""
        asked = model_pb2.ModelSpec(name=self._target.model, version_label=self._target.label)
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=asked, metadata_field=[_SIGNATURES])
        try:
            answer = self._stub.GetModelMetadata(request, timeout=self._target.timeout)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                raise failures.unknown_model(self._target, error.details()) from error
            raise self._failure(error) from error
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata[_SIGNATURES].Unpack(signatures)
        inputs = sorted(signatures.signature_def[features.SERVING_SIGNATURE].inputs)
        if inputs != [features.IMAGE_BYTES]:
            raise failures.other_model(self._target, ", ".join(inputs) or "nothing")
        return int(answer.model_spec.version.value)

    def ranking(self, image: bytes, version: int) -> tuple[list[str], list[float]]:
        """The likeliest labels and their probabilities, highest first.

        Raises:
          RefusedImageError: the server cannot predict this image.
        """
        wanted = (features.TOP_LABELS, features.TOP_PROBABILITIES)
        request = predict_pb2.PredictRequest(output_filter=wanted)
        request.model_spec.name = self._target.model
        request.model_spec.version.value = version
        request.model_spec.signature_name = features.SERVING_SIGNATURE
        request.inputs[features.IMAGE_BYTES].CopyFrom(tf.make_tensor_proto([image], tf.string, [1]))
        try:
            answer = self._stub.Predict(request, timeout=self._target.timeout)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                raise failures.refusal(error.details()) from error
            raise self._failure(error) from error
        if absent := [name for name in wanted if name not in answer.outputs]:
            raise failures.unexpected(self._target, f"its predictions have no {' and no '.join(absent)}")
        labels, probabilities = (tf.make_ndarray(answer.outputs[name])[0] for name in wanted)
        return [label.decode() for label in labels], probabilities.tolist()

    def close(self) -> None:
        """Ends the channel."""
        self._channel.close()

    def _failure(self, error: grpc.RpcError) -> failures.ServingError:
        code, details = error.code(), error.details()
        if code is grpc.StatusCode.UNAVAILABLE:
            return failures.unreachable(self._target, details)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return failures.late(self._target)
        if code is grpc.StatusCode.NOT_FOUND:
            return failures.unknown_model(self._target, details)
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return failures.busy(self._target, details)
        return failures.unexpected(self._target, f"{code.name} {details}")
