# No `from __future__ import annotations`: TFX reads a function's annotations to make a component of it.
from pathlib import Path
from typing import ClassVar

import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Artifact, Channel, standard_artifacts

from components.errors import DataError, PassingError
from pipeline.execution import CompiledPipeline
from pipeline.metadata import file_connection
from pipeline.paths import Paths
from pipeline.pipeline import create_pipeline
from pipeline.unresolved import UnresolvedInputError
from schemas.loading import load_experiment
from tests.bookkeeping import assert_nothing_is_left_half_done, store_at

ENDS = {"error": ValueError("on purpose"), "interruption": KeyboardInterrupt(), "exit": SystemExit(3)}


@component
def Source(end: Parameter[str], model: OutputArtifact[standard_artifacts.Model]) -> None:
    """Writes a file, and then ends as it is told."""
    Path(model.uri, "file").write_text(end)
    if end in ENDS:
        raise ENDS[end]


@component
def Copy(model: InputArtifact[standard_artifacts.Model], copy: OutputArtifact[standard_artifacts.Model]) -> None:
    """Copies what Source wrote."""
    Path(copy.uri, "file").write_text(Path(model.uri, "file").read_text())


class Failing(ResolverStrategy):
    """Fails as often as it is told, then finds what is there."""

    failures: ClassVar[list[Exception]] = []

    def resolve_artifacts(self, store: object, input_dict: dict[str, list[Artifact]]) -> dict[str, list[Artifact]]:
        if self.failures:
            raise self.failures.pop()
        return input_dict


def compiled(root: Path, run_id: str, end: str = "well") -> CompiledPipeline:
    """Two nodes, declared in the wrong order."""
    source = Source(end=end)
    copy = Copy(model=source.outputs["model"])
    return CompiledPipeline(
        Pipeline(
            pipeline_name="small",
            pipeline_root=str(root / "artifacts"),
            components=[copy, source],
            enable_cache=True,
        ),
        run_id,
        file_connection(root / "metadata.db"),
    )


def test_nodes_are_in_an_order_in_which_they_can_run(tmp_path: Path) -> None:
    """A node comes after those that it takes from, however the pipeline lists them."""
    assert compiled(tmp_path, "first").nodes == ["Source", "Copy"]


def test_only_look_ups_of_what_was_before_are_resolvers(tmp_path: Path) -> None:
    """Of the nodes of an experiment, two make nothing that a person would wait for."""
    paths = Paths(tmp_path, "digits")
    dag = create_pipeline(load_experiment("digits"), paths)
    pipeline = CompiledPipeline(dag, "first", file_connection(paths.metadata))
    assert [node for node in pipeline.nodes if pipeline.is_resolver(node)] == ["LastData", "Baseline"]


def test_a_node_is_executed_and_then_cached(tmp_path: Path) -> None:
    """The same work in a later run is taken from the cache, with the same artifacts."""
    first, second = compiled(tmp_path, "first"), compiled(tmp_path, "second")
    outcomes = [pipeline.launch(node) for pipeline in (first, second) for node in pipeline.nodes]
    assert [outcome.state for outcome in outcomes] == ["executed", "executed", "cached", "cached"]
    uris = [artifact.uri for outcome in outcomes for artifacts in outcome.outputs.values() for artifact in artifacts]
    assert uris[:2] == uris[2:]
    assert Path(uris[1], "file").read_text() == "well"
    assert [list(outcome.outputs) for outcome in outcomes[:2]] == [["model"], ["copy"]]
    assert_nothing_is_left_half_done(tmp_path)


def test_the_cache_can_be_passed_by(tmp_path: Path) -> None:
    """A node that must work anew does, and only it."""
    outcomes = []
    for run_id, from_cache in (("first", True), ("second", False), ("third", True)):
        pipeline = compiled(tmp_path, run_id)
        pipeline.launch("Source")
        outcomes.append(pipeline.launch("Copy", from_cache=from_cache))
    assert [outcome.state for outcome in outcomes] == ["executed", "executed", "cached"]


def test_changed_parameters_are_not_cached(tmp_path: Path) -> None:
    """Another parameter is other work, for the node itself and for those that take its output."""
    for run_id, end in (("first", "well"), ("second", "even better")):
        pipeline = compiled(tmp_path, run_id, end)
        assert [pipeline.launch(node).state for node in pipeline.nodes] == ["executed", "executed"]


@pytest.mark.parametrize("end", ENDS)
def test_a_node_that_does_not_end_well_leaves_nothing(end: str, tmp_path: Path) -> None:
    """What a node raises, or what interrupts it, goes on to the caller; its outputs are gone, its execution failed."""
    pipeline = compiled(tmp_path, "first", end)
    with pytest.raises(type(ENDS[end])) as caught:
        pipeline.launch("Source")
    assert caught.value is ENDS[end]
    assert list((tmp_path / "artifacts" / "Source" / "model").iterdir()) == []
    [execution] = store_at(tmp_path / "metadata.db").get_executions()
    assert execution.last_known_state == metadata_store_pb2.Execution.FAILED
    assert_nothing_is_left_half_done(tmp_path)
    assert compiled(tmp_path, "second").launch("Source").state == "executed"


def test_a_driver_that_raises_leaves_nothing(tmp_path: Path) -> None:
    """A source without files is refused while its node is prepared; no execution stays as running."""
    (tmp_path / "source").mkdir()
    overrides = ["data.dataset=null", f"data.source={tmp_path / 'source'}"]
    experiment = load_experiment("digits", overrides, require_places=False)
    paths = Paths(tmp_path, "digits")
    paths.prepare()
    pipeline = CompiledPipeline(create_pipeline(experiment, paths), "first", file_connection(paths.metadata))
    with pytest.raises(DataError, match="no file in"):
        pipeline.launch("ImageExampleGen")
    [execution] = store_at(paths.metadata).get_executions()
    assert execution.last_known_state == metadata_store_pb2.Execution.FAILED
    assert_nothing_is_left_half_done(paths.root)


def test_a_failure_touches_no_other_run(tmp_path: Path) -> None:
    """Another run that is still going on beside a failing one goes on."""
    compiled(tmp_path, "other").launch("Source")
    store = store_at(tmp_path / "metadata.db")
    [going_on] = store.get_executions()
    going_on.last_known_state = metadata_store_pb2.Execution.RUNNING
    store.put_executions([going_on])
    with pytest.raises(ValueError, match="on purpose"):
        compiled(tmp_path, "failing", "error").launch("Source")
    states = {execution.id: execution.last_known_state for execution in store.get_executions()}
    assert states.pop(going_on.id) == metadata_store_pb2.Execution.RUNNING
    assert list(states.values()) == [metadata_store_pb2.Execution.FAILED]


def test_a_node_without_its_inputs_is_refused(tmp_path: Path) -> None:
    """A node whose inputs nothing has made is an error with its name, not a silent skip."""
    with pytest.raises(UnresolvedInputError, match="Copy"):
        compiled(tmp_path, "first").launch("Copy")


def test_a_look_up_that_fails_is_no_find(tmp_path: Path) -> None:
    """What a resolver raises goes on to the caller; where it was only for a moment, another try is in order."""
    look_up = Resolver(strategy_class=Failing, model=Channel(type=standard_artifacts.Model)).with_id("LookUp")
    dag = Pipeline("small", pipeline_root=str(tmp_path / "artifacts"), components=[look_up])
    pipeline = CompiledPipeline(dag, "first", file_connection(tmp_path / "metadata.db"))
    Failing.failures += [DataError("on purpose")] * 2
    with pytest.raises(DataError, match="on purpose"):
        pipeline.launch("LookUp")
    Failing.failures += [DataError("on purpose")]
    with pytest.raises(PassingError, match="LookUp"):
        pipeline.launch("LookUp")
    assert pipeline.launch("LookUp").state == "executed"
    assert_nothing_is_left_half_done(tmp_path)
