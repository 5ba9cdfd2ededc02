"""Which artifacts are needed, and by whom, as ML Metadata knows it. Loads no TensorFlow.

The rules ask for more rather than for less than the resolvers do (`components.data_gate.baseline`,
`components.evaluator.baseline`, `components.trainer.warm_start`): each leaves the data or the model at hand out, so the
last one and the last other one are kept, whatever the next run brings. Models that were rolled back are kept like
others, for that can be undone, and beside them those that stand in for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator
from itertools import islice

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from components.lineage import (
    ACCEPTED,
    BLESSED,
    INPUT_FINGERPRINT,
    MODEL_ID,
    PUSHED_MODEL,
    PUSHED_VERSION,
    STATISTICS_ID,
)

_RUN = "pipeline_run"
_MODEL = "model"
_OUTPUTS = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)
_NUM_OTHERS = 2

Needs = dict[int, str]


class Lineage:
    """All artifacts of a workspace, and which executions read and made them."""

    def __init__(self, store: MetadataStore) -> None:
        """Reads everything at once."""
        self._store = store
        self.artifacts = {artifact.id: artifact for artifact in store.get_artifacts()}
        self._made: dict[int, list[int]] = defaultdict(list)
        self._makers: dict[int, list[int]] = defaultdict(list)
        self._judges: dict[int, list[int]] = defaultdict(list)
        self._touched: dict[int, set[int]] = defaultdict(set)
        executions = [execution.id for execution in store.get_executions()]
        for event in store.get_events_by_execution_ids(executions) if executions else []:
            self._touched[event.execution_id].add(event.artifact_id)
            if event.type in _OUTPUTS:
                self._made[event.execution_id].append(event.artifact_id)
                self._makers[event.artifact_id].append(event.execution_id)
            elif event.path.steps and event.path.steps[0].key == _MODEL:
                self._judges[event.artifact_id].append(event.execution_id)

    @property
    def live(self) -> list[metadata_store_pb2.Artifact]:
        """Those that TFX's cache and resolvers find."""
        return [item for item in self.artifacts.values() if item.state == metadata_store_pb2.Artifact.LIVE]

    def of_type(self, name: str) -> list[metadata_store_pb2.Artifact]:
        """Live ones of a type, the newest first."""
        return sorted((item for item in self.live if item.type == name), key=lambda item: item.id, reverse=True)

    def of_run(self, run_id: str) -> set[int]:
        """Ids of what a run has read or made, or taken from the cache."""
        context = self._store.get_context_by_type_and_name(_RUN, run_id)
        if context is None:
            return set()
        executions = self._store.get_executions_by_context(context.id)
        return {artifact for execution in executions for artifact in self._touched[execution.id]}

    def about_model(self, model: int) -> set[int]:
        """Ids of the model, of what its training made beside it, and of what was said of it."""
        stages = [*self._makers[model], *self._judges[model]]
        return {model, *(artifact for stage in stages for artifact in self._made[stage])}

    def learned_from(self, model: int) -> frozenset[int]:
        """Ids of the examples that the training of a model has read."""
        read = {item for stage in self._makers[model] for item in self._touched[stage]}
        return frozenset(item for item in read if self.artifacts[item].type == "Examples")

    def starts_of(self, model: int) -> set[int]:
        """Ids of the models that the training of a model went on from."""
        read = {item for stage in self._makers[model] for item in self._touched[stage]} - {model}
        return {item for item in read if self.artifacts[item].type == "Model"}


def needs_of(
    lineage: Lineage, runs: Iterable[str], versions: Collection[int], rolled_back: Container[int] = ()
) -> Needs:
    """Why each artifact that is needed is so.

    Args:
      lineage: of the workspace.
      runs: ids of the runs that are kept.
      versions: that are served, or were rolled back and are kept.
      rolled_back: models that resolvers leave out.
    """
    needs: Needs = {}
    for run in runs:
        _add(needs, lineage.of_run(run), "kept runs")
    for model in _served_models(lineage, versions):
        _add(needs, lineage.about_model(model), "served versions")
    for model in _blessed_models(lineage, rolled_back):
        _add(needs, lineage.about_model(model), "the last blessed models")
    _add(needs, _passed_data(lineage), "the last data that passed")
    return needs


def _add(needs: Needs, artifacts: Iterable[int], reason: str) -> None:
    for artifact in artifacts:
        needs.setdefault(artifact, reason)


def _served_models(lineage: Lineage, versions: Collection[int]) -> set[int]:
    wanted = {str(version) for version in versions}
    pushed = [
        item for item in lineage.of_type(PUSHED_MODEL) if item.custom_properties[PUSHED_VERSION].string_value in wanted
    ]
    models = {item.id for item in lineage.of_type("Model")}
    return {model for item in pushed for model in models if item.id in lineage.about_model(model)}


def _blessed_models(lineage: Lineage, rolled_back: Container[int]) -> Iterator[int]:
    """The last two and the last that learned from other examples than the newest, also of those not rolled back.

    And what the newest went on from.
    """
    models = {item.id for item in lineage.of_type("Model")}
    stated = (
        item.custom_properties[MODEL_ID].int_value
        for item in lineage.of_type("ModelBlessing")
        if item.custom_properties[BLESSED].int_value == 1
    )
    blessed = [model for model in dict.fromkeys(stated) if model in models]
    others = [model for model in blessed if not lineage.learned_from(model) & lineage.learned_from(blessed[0])]
    nothing: Container[int] = ()
    for left_out in (nothing, rolled_back):
        yield from islice((model for model in blessed if model not in left_out), _NUM_OTHERS)
        yield from islice((model for model in others if model not in left_out), 1)
    for newest in blessed[:1]:
        yield from lineage.starts_of(newest) & models


def _passed_data(lineage: Lineage) -> set[int]:
    """The last statistics that passed the gate or were accepted, of two states of the source, and their verdicts."""
    statistics = {item.id: item for item in lineage.of_type("ExampleStatistics")}
    found: dict[str, set[int]] = {}
    for verdict in lineage.of_type("DarkroomDataVerdict"):
        judged = statistics.get(verdict.custom_properties[STATISTICS_ID].int_value)
        passed = verdict.properties["passed"].int_value == 1 or verdict.custom_properties[ACCEPTED].string_value
        if judged is not None and passed:
            files = judged.custom_properties[INPUT_FINGERPRINT].string_value
            found.setdefault(files, {verdict.id, judged.id})
    return {item for items in list(found.values())[:_NUM_OTHERS] for item in items}
