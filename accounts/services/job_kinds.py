"""Kinds of jobs: what does the work, and who may ask for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from common.errors import Invalid

Progress = Callable[[str, int, int], None]
# (arguments, requested by, now, progress) → result as JSON. A job may be begun more than once: what
# a handler writes is written once however often it runs. It tells progress inside the transaction
# that makes its result visible, since that is where a runner that was replaced is stopped.
Handler = Callable[[dict[str, Any], User, datetime, Progress], Any]


@dataclass(frozen=True)
class Kind:
    """A kind of job."""

    handler: Handler
    permission: str


KINDS: dict[str, Kind] = {}


def register_job(kind: str, handler: Handler, *, permission: str) -> None:
    """Add a kind of job; called by apps in `ready()`."""
    KINDS[kind] = Kind(handler, permission)


def job_kind(kind: str) -> Kind:
    """Return a kind of job.

    Raises
    ------
    Invalid
        If there is no such kind.
    """
    if kind not in KINDS:
        raise Invalid(f"There is no job {kind}.", field="kind", rule="known")
    return KINDS[kind]
