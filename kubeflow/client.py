"""The connection to Kubeflow Pipelines, and what the commands that use it have in common."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.command import USAGE, end, on_one_line

if TYPE_CHECKING:
    from kfp import Client

Command = TypeVar("Command", bound=Callable[..., Any])

TOKEN = "DARKROOM_KFP_TOKEN"
COOKIES = "DARKROOM_KFP_COOKIES"

_LONGEST_REASON = 400


def connection_options(command: Command) -> Command:
    """Where Kubeflow Pipelines is, and who asks."""
    for decorate in (
        click.option(
            "--host",
            metavar="URL",
            help="Of Kubeflow Pipelines, as https://host/pipeline. Default: $KF_PIPELINES_ENDPOINT, the cluster that"
            " this runs in, or the one of the current kubectl context.",
        ),
        click.option("--namespace", metavar="NAME", help="Where the runs are. Default: that of KFP's client."),
        click.option("--ca-cert", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Of the host."),
    ):
        command = decorate(command)
    return command


def run_options(command: Command) -> Command:
    """What a run can be told beside its experiment, and whose rights it has."""
    for decorate in (
        click.option("--data-source", metavar="PATH", default="", help="Where the data is, in the pods."),
        click.option("--last-span", metavar="NUMBER", default="", help="The newest span that is read."),
        click.option("--accept-data", metavar="REASON", default="", help="Let runs go on against the data gate."),
        click.option("--force-bless", metavar="REASON", default="", help="Push models also if they are not blessed."),
        click.option(
            "--service-account", metavar="NAME", help="Whose rights the pods have. Default: the installation's own."
        ),
    ):
        command = decorate(command)
    return command


@contextlib.contextmanager
def connected(host: str | None, ca_cert: str | None) -> Iterator[Client]:
    """A client of Kubeflow Pipelines; what goes wrong with it ends the process with a few words.

    The token is taken from the environment (`DARKROOM_KFP_TOKEN`, or cookies of a session from `DARKROOM_KFP_COOKIES`),
    else found as KFP's client does: of the pod's service account, or of the kubectl context.
    """
    import urllib3
    from google.auth.exceptions import GoogleAuthError
    from kfp import Client
    from kfp_server_api import ApiException
    from kubernetes.client import ApiException as ClusterException
    from kubernetes.config import ConfigException

    place = host or os.environ.get("KF_PIPELINES_ENDPOINT") or "the cluster of the kubectl context"
    if not (host or _is_known()):
        end("it is not known where Kubeflow Pipelines is: name it with --host, or set a kubectl context", USAGE)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"kfp\.")
    # The client tells each failed attempt with a stack trace.
    logging.disable(logging.ERROR)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield Client(
                host=host,
                existing_token=os.environ.get(TOKEN),
                cookies=os.environ.get(COOKIES),
                ssl_ca_cert=ca_cert,
            )
    except (ApiException, ClusterException) as error:
        end(f"{place} refuses: {_reason(error)}{_advice(error.status)}", 1)
    except TimeoutError:
        # The client's word for any answer that is not that of a healthy server, refusals included.
        end(f"{place} does not answer as Kubeflow Pipelines does; see --host, and the token in {TOKEN}", 1)
    except (urllib3.exceptions.HTTPError, ConnectionError) as error:
        told = str(getattr(error, "reason", None) or error)
        told = told.rpartition(" object at ")[2].partition(">: ")[2] or told
        end(f"{place} does not answer: {on_one_line(told, _LONGEST_REASON)}; see --host", 1)
    except (ConfigException, GoogleAuthError) as error:
        end(
            f"no way to Kubeflow Pipelines is known: {on_one_line(str(error), _LONGEST_REASON)}; name it with --host", 1
        )
    finally:
        logging.disable(logging.NOTSET)


def _is_known() -> bool:
    """Whether KFP's client can find the way by itself (kfp/client/client.py, `_load_config`)."""
    files = os.environ.get("KUBECONFIG", os.path.expanduser("~/.kube/config")).split(os.pathsep)
    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
    return "KF_PIPELINES_ENDPOINT" in os.environ or in_cluster or any(os.path.exists(file) for file in files)


def _reason(error: Any) -> str:
    try:
        body = json.loads(error.body)
        told = body.get("error_description") or body.get("error") or body.get("message")
    except (TypeError, ValueError, AttributeError):
        told = None
    return on_one_line(str(told or error.reason or error), _LONGEST_REASON)


def _advice(status: int | None) -> str:
    if status in (401, 403):
        return f"; give a token in {TOKEN}, or rights to the account behind it"
    return "; see --host" if status == 404 else ""
