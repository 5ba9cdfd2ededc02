"""The pipeline of Kubeflow Pipelines: plain container tasks in a row, and a report at the end."""

# No `from __future__ import annotations`: KFP reads a function's annotations to make a component of it.
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kfp import dsl, kubernetes
from kfp.dsl import ClassificationMetrics, Metrics, Output
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from kubeflow.tasks import Task, report_task, tasks_of
from schemas.experiment import Experiment
from schemas.kubeflow import IMAGE_VARIABLE, Pod

COMMAND = ["python", "-m", "kubeflow.node"]

_EXECUTOR_INPUT = "{{$}}"
# Argo ends all attempts of a task together so long after the first one began; KFP's SDK allows no more than an hour.
_RETRIED_FOR_DAYS = 30


def define(experiment: Experiment, text: str, nodes: list[str], resolvers: list[str]) -> Callable[..., Any]:
    """Declares the pipeline.

    Args:
      experiment: what is to be run; its section `kubeflow` gives every task its image.
      text: the experiment, as the containers load it.
      nodes: of the pipeline, in an order in which they can run.
      resolvers: those of them that only look something up.

    Returns:
      What `kfp.compiler.Compiler` takes.
    """
    name = experiment.name.replace("_", "-")
    tasks = tasks_of(nodes, resolvers, experiment)
    last = report_task(experiment)
    common = ["--root", experiment.kubeflow.root, "--experiment", text]

    @dsl.pipeline(name=name, description=f"Darkroom's pipeline for {experiment.name}, from its data to the push.")
    def darkroom(
        data_source: str = "",
        last_span: str = "",
        settings: list = [],  # noqa: B006
        accept_data: str = "",
        force_bless: str = "",
    ) -> None:
        given = {
            "data_source": data_source,
            "last_span": last_span,
            "settings": settings,
            "accept_data": accept_data,
            "force_bless": force_bless,
        }
        report = _report(last, common)(run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, **given)
        _equip(report, last.pod)
        with dsl.ExitHandler(report, name="run"):
            before = None
            for task in tasks:
                made = _nodes(task, common)(run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, **given)
                _equip(made, task.pod)
                if before is not None:
                    made.after(before)
                before = made

    _retry_for_days(darkroom.pipeline_spec)
    return darkroom


def _nodes(task: Task, common: list[str]) -> Callable[..., Any]:
    """A component that works on a task's nodes."""

    def work(
        run_id: str, data_source: str, last_span: str, settings: list, accept_data: str, force_bless: str
    ) -> dsl.ContainerSpec:
        given = _options(
            run_id=run_id,
            data_source=data_source,
            last_span=last_span,
            settings=settings,
            accept_data=accept_data,
            force_bless=force_bless,
        )
        return dsl.ContainerSpec(
            image=task.pod.image, command=COMMAND, args=["--nodes", ",".join(task.nodes), *common, *given]
        )

    work.__name__ = task.name
    return dsl.container_component(work)


def _report(task: Task, common: list[str]) -> Callable[..., Any]:
    """A component that ends the run, and gives KFP's pages what they can show."""

    def work(
        run_id: str,
        data_source: str,
        last_span: str,
        settings: list,
        accept_data: str,
        force_bless: str,
        report: Output[dsl.HTML],
        metrics: Output[Metrics],
        confusion_matrix: Output[ClassificationMetrics],
    ) -> dsl.ContainerSpec:
        given = _options(
            run_id=run_id,
            data_source=data_source,
            last_span=last_span,
            settings=settings,
            accept_data=accept_data,
            force_bless=force_bless,
        )
        pages = ["--report", report.path, "--executor-input", _EXECUTOR_INPUT]
        return dsl.ContainerSpec(image=task.pod.image, command=COMMAND, args=[*pages, *common, *given])

    work.__name__ = task.name
    return dsl.container_component(work)


def _options(**given: Any) -> list[Any]:
    """Arguments of a task: an option by the name of each parameter."""
    return [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", value)]


def _equip(task: Any, pod: Pod) -> None:
    """Gives a task what its pod is to have. Its caching is off: ML Metadata knows better what has changed."""
    task.set_caching_options(False)
    task.set_cpu_request(_cpu(pod.cpu))
    task.set_memory_request(pod.memory)
    task.set_memory_limit(pod.memory)
    if pod.accelerator:
        task.set_accelerator_type(pod.accelerator.type)
        task.set_accelerator_limit(pod.accelerator.count)
    if pod.retries and pod.retries.attempts > 1:
        task.set_retry(
            num_retries=pod.retries.attempts - 1,
            backoff_duration=f"{round(pod.retries.backoff_seconds)}s",
            backoff_factor=2.0,
        )
    for variable, value in sorted({IMAGE_VARIABLE: pod.image or "", **(pod.environment or {})}.items()):
        task.set_env_variable(variable, value)
    for label, value in sorted((pod.node_selector or {}).items()):
        kubernetes.add_node_selector(task, label, value)
    for each in pod.tolerations or ():
        kubernetes.add_toleration(task, each.key, each.operator, each.value, each.effect, each.seconds)
    for secret in pod.secrets or ():
        for variable, key in sorted(secret.environment.items()):
            kubernetes.use_secret_as_env(task, secret.name, {key: variable})
    for volume in pod.volumes or ():
        kubernetes.mount_pvc(task, volume.claim, volume.mount)
    if pod.timeout_seconds:
        kubernetes.set_timeout(task, pod.timeout_seconds)


def _retry_for_days(spec: PipelineSpec) -> None:
    for dag in (spec.root.dag, *(component.dag for component in spec.components.values())):
        for task in dag.tasks.values():
            if task.HasField("retry_policy"):
                task.retry_policy.backoff_max_duration.FromTimedelta(timedelta(days=_RETRIED_FOR_DAYS))


def _cpu(processors: float | None) -> str:
    return f"{round((processors or 1.0) * 1000)}m"
