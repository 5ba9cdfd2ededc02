from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from tensorflow_serving.config import model_server_config_pb2

from components.pusher.local_directory import LocalDirectory
from components.pusher.model_server import batching_config, labels, models_config, write_configuration
from schemas.push import Batching, ModelServer


def batching_parameters() -> Any:
    """The message of session_bundle_config.proto, which tensorflow-serving-api leaves out."""
    file = descriptor_pb2.FileDescriptorProto(name="batching.proto", package="tested", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="BatchingParameters")
    fields = ["max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"]
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, name in enumerate(fields, start=1):
        wrapper = ".google.protobuf.Int64Value"
        message.field.add(
            name=name, number=number, type=kinds.TYPE_MESSAGE, type_name=wrapper, label=kinds.LABEL_OPTIONAL
        )
    message.field.add(name="allowed_batch_sizes", number=6, type=kinds.TYPE_INT64, label=kinds.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tested.BatchingParameters"))()


@pytest.mark.parametrize(
    ("versions", "stable", "candidate"), [([7], 7, 7), ([6, 7], 6, 7), ([4, 5, 6, 7], 6, 7), ([5, 2**62], 5, 2**62)]
)
def test_the_newest_is_the_candidate_and_the_one_before_is_stable(
    versions: list[int], stable: int, candidate: int
) -> None:
    """A lone version has both labels, so that clients of either are served."""
    assert labels(versions) == {"stable": stable, "candidate": candidate}


@pytest.mark.parametrize("base_path", ["/models/flowers", "s3://bucket/a", 'C:\\odd "path"\nof Łódź'])
def test_the_model_server_reads_the_configuration(base_path: str) -> None:
    """The text is a ModelServerConfig with one model, its path, its labels, and a policy that reaches both labels."""
    config = text_format.Parse(
        models_config("flowers", base_path, [5, 6, 7]), model_server_config_pb2.ModelServerConfig()
    )
    [model] = config.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == ("flowers", base_path, "tensorflow")
    assert dict(model.version_labels) == {"stable": 6, "candidate": 7}
    assert model.model_version_policy.latest.num_versions == 3


def test_the_model_server_reads_the_batching_parameters() -> None:
    """Each stated value has its field; one that is left to the server is not written."""
    batching = Batching(max_batch_size=64, batch_timeout_micros=0, num_batch_threads=4, allowed_batch_sizes=(8, 64))
    parameters = text_format.Parse(batching_config(batching), batching_parameters())
    assert parameters.max_batch_size.value == 64
    assert parameters.batch_timeout_micros.value == 0
    assert parameters.HasField("batch_timeout_micros")
    assert parameters.max_enqueued_batches.value == 100
    assert parameters.num_batch_threads.value == 4
    assert list(parameters.allowed_batch_sizes) == [8, 64]
    assert not text_format.Parse(batching_config(Batching()), batching_parameters()).HasField("num_batch_threads")


def test_what_is_not_wanted_is_not_written(serving: LocalDirectory) -> None:
    """Without a model server, or without a version, there is no file; without batching there is one."""
    serving.path.mkdir(parents=True)
    write_configuration(serving, None, "flowers", [1])
    write_configuration(serving, ModelServer(), "flowers", [])
    assert list(serving.path.iterdir()) == []
    write_configuration(serving, ModelServer(), "flowers", [1])
    assert [path.name for path in serving.path.iterdir()] == ["models.config"]
    assert f'base_path: "{serving.path}"' in (serving.path / "models.config").read_text()


def test_a_server_elsewhere_has_its_own_path(serving: LocalDirectory) -> None:
    """In a container the directory may lie elsewhere; batching parameters have a file of their own."""
    serving.path.mkdir(parents=True)
    write_configuration(serving, ModelServer(base_path="/models/flowers", batching=Batching()), "flowers", [1])
    assert 'base_path: "/models/flowers"' in (serving.path / "models.config").read_text()
    assert "max_batch_size { value: 32 }" in (serving.path / "batching.config").read_text()
    assert len(list(serving.path.iterdir())) == 2
