"""Where an experiment keeps what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.durability import make_directories
from schemas.experiment import Experiment

DATASETS = "_datasets"


class WorkspaceError(Exception):
    """The workspace cannot be written to."""


@dataclass(frozen=True)
class Paths:
    """Places below `<workspace>/<experiment's name>/`."""

    workspace: Path
    name: str

    @property
    def root(self) -> Path:
        """All of one experiment."""
        return self.workspace / self.name

    @property
    def artifacts(self) -> Path:
        """TFX's artifacts, a directory per node."""
        return self.root / "artifacts"

    @property
    def metadata(self) -> Path:
        """ML Metadata: every execution and artifact."""
        return self.root / "metadata.db"

    @property
    def serving(self) -> Path:
        """The version directories that a model server polls, where `push.directory` names no other place."""
        return self.root / "serving"

    def source(self, experiment: Experiment) -> str:
        """Where the data is: a path, with placeholders or not, or a URL."""
        return experiment.data.source or str(self.datasets / str(experiment.data.dataset))

    def published(self, experiment: Experiment) -> str:
        """Where the versions are: a path, or a URL at gs:// or s3://."""
        return experiment.push.directory or str(self.serving.absolute())

    @property
    def quarantine(self) -> Path:
        """Examples that could not be used, and why."""
        return self.root / "quarantine"

    @property
    def checkpoints(self) -> Path:
        """What trainings and searches that were killed go on from."""
        return self.root / "checkpoints"

    @property
    def runs(self) -> Path:
        """A record and the nodes' logs for each run."""
        return self.root / "runs"

    @property
    def reports(self) -> Path:
        """A page for each run, and one that compares them all."""
        return self.root / "reports"

    @property
    def datasets(self) -> Path:
        """Embedded data sets, shared by all experiments of the workspace."""
        return self.workspace / DATASETS

    def prepare(self) -> None:
        """Makes the directories.

        Raises:
          WorkspaceError: they cannot be made, or not be written to.
        """
        try:
            for directory in (self.artifacts, self.runs):
                make_directories(directory)
            for directory in (self.root, self.artifacts, self.runs):
                probe = directory / ".probe"
                probe.touch()
                probe.unlink(missing_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"the workspace {self.workspace} cannot be written to: {error.strerror or error} ({error.filename});"
                " give another one with --workspace DIR, or change its permissions"
            ) from error
