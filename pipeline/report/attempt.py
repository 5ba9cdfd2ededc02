"""Makes a report without a word that could end a run."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from pipeline.capture import captured
from pipeline.report.material import Material


def try_to_report(material: Material, log: Path) -> bool:
    """Writes the report and notes its path, or what is missing of it, in the record.

    Args:
      material: of the run.
      log: takes what libraries print, and why something is missing.

    Returns:
      Whether there is a report.
    """
    record = material.record
    with captured(log):
        try:
            from pipeline.report.report import write_report

            written = write_report(material)
        except (Exception, KeyboardInterrupt):
            traceback.print_exc(file=sys.stderr)
            record.warn(f"the report could not be made; log: {log}")
            return False
    record.report = str(written.path)
    if written.failed:
        record.warn(f"the report lacks {', '.join(written.failed)}; log: {log}")
    return True
