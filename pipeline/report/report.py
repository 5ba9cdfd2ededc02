"""Makes the report of a run, and the page that compares all runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.report.content import Section, Text
from pipeline.report.index import write_index
from pipeline.report.material import Material
from pipeline.report.page import Link, Page, publish, render
from pipeline.report.places import INDEX, report_path
from pipeline.report.sections.canary import canary
from pipeline.report.sections.confusions import classes, confusions
from pipeline.report.sections.curves import curves, diagnostics
from pipeline.report.sections.data import data
from pipeline.report.sections.metrics import metrics
from pipeline.report.sections.mistakes import mistakes
from pipeline.report.sections.provenance import provenance
from pipeline.report.sections.quarantine import quarantine
from pipeline.report.sections.samples import samples
from pipeline.report.sections.search import search
from pipeline.report.sections.stages import stages
from pipeline.report.sections.verdict import headline, verdict
from pipeline.report.wording import number

# In the order of the page; each gives None where the run has nothing for it.
_SECTIONS: dict[str, Callable[[Material], Section | None]] = {
    "Verdict": verdict,
    "Metrics": metrics,
    "Learning curves": curves,
    "Diagnostics": diagnostics,
    "Confusion matrix": confusions,
    "Classes": classes,
    "Worst mistakes": mistakes,
    "Data": data,
    "Samples": samples,
    "Quarantine": quarantine,
    "Search": search,
    "Stages": stages,
    "Canary": canary,
    "Provenance": provenance,
}
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


def _made(material: Material, failed: list[str]) -> Iterable[Section]:
    for title, make in _SECTIONS.items():
        try:
            section = make(material)
        except Exception:
            traceback.print_exc()
            failed.append(title)
            section = Section(title, [Text("This part could not be made; the log of RunReport says why.", "problem")])
        if section is not None:
            yield section
