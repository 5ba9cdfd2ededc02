"""Makes the report of a run, and the page that compares all runs."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.report.content import Section, Text
from pipeline.report.index import write_index
from pipeline.report.material import Material
from pipeline.report.page import Link, Page, publish, render
from pipeline.report.places import INDEX, report_path
from pipeline.report.sections.verdict import headline
from pipeline.report.wording import number


class _Part(NamedTuple):
    """A section, loaded when it is made: a run that came to nothing loads no TensorFlow for its report."""

    title: str
    module: str
    """Below `sections`."""
    maker: str
    """Function of that module."""
    needs: str | None = None
    """Output without which there is nothing to show."""


# In the order of the page; a maker gives None where the run has nothing for it.
_PARTS = (
    _Part("Verdict", "verdict", "verdict"),
    _Part("Metrics", "metrics", "metrics", "evaluation"),
    _Part("Learning curves", "curves", "curves", "model_run"),
    _Part("Diagnostics", "curves", "diagnostics", "model_run"),
    _Part("Confusion matrix", "confusions", "confusions", "evaluation"),
    _Part("Classes", "confusions", "classes", "evaluation"),
    _Part("Worst mistakes", "mistakes", "mistakes", "evaluation"),
    _Part("Data", "data", "data", "examples"),
    _Part("Samples", "samples", "samples", "examples"),
    _Part("Quarantine", "quarantine", "quarantine", "examples"),
    _Part("Search", "search", "search", "tuner_results"),
    _Part("Stages", "stages", "stages"),
    _Part("Canary", "canary", "canary", "infra_blessing"),
    _Part("Provenance", "provenance", "provenance"),
)
_KEYS = ("accuracy", "macro_f1", "cross_entropy")


class Written(NamedTuple):
    """A report, and what is missing of it."""

    path: Path
    failed: list[str]
    """Sections that could not be made; why is on standard error."""


def write_report(material: Material) -> Written:
    """Writes `reports/<run_id>.html` and `reports/index.html`; a section that fails costs itself alone."""
    failed: list[str] = []
    sections = list(_made(material, failed))
    record = material.record
    told, tone = headline(record)
    keys = [(name, number(record.metrics[name])) for name in _KEYS if name in record.metrics]
    page = Page(
        title=f"{record.experiment}: {told}",
        subject=f"{record.experiment} · run {record.run_id}",
        headline=told,
        tone=tone,
        keys=[*keys, ("seconds", f"{record.seconds:.1f}")],
        sections=sections,
        footer=f"Run {record.run_id} of the experiment {record.experiment}, started {record.started}.",
        link=Link(INDEX, "all runs"),
    )
    path = report_path(material.paths, record.run_id)
    publish(render(page), path)
    write_index(material.experiment, material.paths)
    return Written(path, failed)


def _made(material: Material, failed: list[str]) -> Iterator[Section]:
    for part in _PARTS:
        if part.needs is not None and part.needs not in material.outputs:
            continue
        try:
            module = importlib.import_module(f"pipeline.report.sections.{part.module}")
            section: Section | None = getattr(module, part.maker)(material)
        except Exception:
            traceback.print_exc()
            failed.append(part.title)
            section = Section(part.title, [Text("This part could not be made; RunReport's log says why.", "problem")])
        if section is not None:
            yield section
