"""Runs a compiled pipeline by KFP's own local runner, every task in a container.

python -m tests.containers.local_run PIPELINE.yaml ROOT

DOCKER_HOST names the socket. ROOT gets what tasks declare as outputs. Exit status 0 where all tasks succeeded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from kfp import components, local


def main() -> None:
    """Runs it with the defaults of its parameters; fails as the first of its tasks that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("root", type=Path)
    arguments = parser.parse_args()
    local.init(runner=local.DockerRunner(), pipeline_root=str(arguments.root.absolute()), raise_on_error=True)
    components.load_component_from_file(str(arguments.pipeline))()


if __name__ == "__main__":
    main()
