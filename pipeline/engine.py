"""Where Beam works, where an experiment names no runner."""

from __future__ import annotations

from apache_beam.options.pipeline_options import StandardOptions

_IN_THIS_PROCESS = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def use_this_process() -> None:
    """Makes this process the default; `--runner` in `beam.args` still decides.

    By itself Beam 2.77 first tries Prism, which it downloads (apache_beam/runners/direct/direct_runner.py).
    A `--runner` for every stage is no way out: with any Beam argument TFX packs itself up for each stage.
    """
    StandardOptions.DEFAULT_RUNNER = _IN_THIS_PROCESS
