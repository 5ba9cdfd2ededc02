"""The section `push`: where models are published, and how a model server is told of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from schemas.section import ExperimentPath, Section

Count = Annotated[int, Field(ge=1)]

OBJECT_STORES = ("gs://", "s3://")


class Batching(Section):
    """How a model server gathers requests into batches: TensorFlow Serving's BatchingParameters."""

    max_batch_size: Count = 32
    """Images in a batch, at most."""
    batch_timeout_micros: Annotated[int, Field(ge=0)] = 1000
    """Microseconds that a request waits for others."""
    max_enqueued_batches: Count = 100
    """Batches that wait, at most; requests beyond them are refused."""
    num_batch_threads: Count | None = None
    """Batches that run at the same time. Default: one for each of the server's processors."""
    allowed_batch_sizes: tuple[Count, ...] = ()
    """Sizes that batches are filled up to, rising, the last one max_batch_size. Default: any size."""

    @model_validator(mode="after")
    def _sizes_are_allowed(self) -> Batching:
        sizes = list(self.allowed_batch_sizes)
        if sizes and (sizes != sorted(set(sizes)) or sizes[-1] != self.max_batch_size):
            raise ValueError(
                f"allowed_batch_sizes {sizes} must rise and end in max_batch_size, which is {self.max_batch_size}"
            )
        return self


class ModelServer(Section):
    """What TensorFlow Serving is told, in `models.config` and `batching.config` beside the versions."""

    base_path: Annotated[str, Field(min_length=1)] | None = None
    """Where the server finds the directory of the versions, if elsewhere than here, as in a container."""
    batching: Batching | None = None
    """How requests are gathered into batches; null writes no `batching.config`."""


class Push(Section):
    """Where models are published."""

    directory: ExperimentPath | None = None
    """Directory of the versions, local or at gs:// or s3://. Default: serving/ in the experiment's workspace."""
    keep: Count = 3
    """Newest versions that are kept. Of versions that were rolled back, as many are kept beside them. With 1 there is
    nothing to roll back to."""
    grace_seconds: Annotated[float, Field(ge=0)] = 300.0
    """A version stays for so long after another took its place, for servers that are still loading it."""
    model_server: ModelServer | None = ModelServer()
    """What a model server is told of versions; null writes nothing."""

    @field_validator("directory")
    @classmethod
    def _is_supported(cls, directory: str | None) -> str | None:
        if directory is not None and "://" in directory and not directory.startswith(OBJECT_STORES):
            raise ValueError(f"got {directory!r}; expected a local path, or one at {' or '.join(OBJECT_STORES)}")
        return directory
