"""A routing job that waits at its solver step until it is let go; workers of tests load it (-I)."""

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

from accounts.models import User
from accounts.services.job_kinds import Progress, register_job
from config.celery import app
from routing.services.run import route
from tests.conftest import NOW

# Tests that share a broker each have a queue of their own.
if "TEST_QUEUE" in os.environ:
    app.conf.task_default_queue = os.environ["TEST_QUEUE"]


def begun(folder: Path) -> list[int]:
    """Return the process ids of the runners that began the work, one for each time."""
    return [int(file.name.partition("-")[0]) for file in folder.glob("held/*-*")]


def let_go(folder: Path) -> None:
    """Let runners go on, those to come as well."""
    (folder / "held" / "go").touch()


def held_route(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Route as the ordinary job does, at the time of the tests, and wait before solving."""
    folder = settings.VAR_DIR / "held"
    folder.mkdir(exist_ok=True)

    def tell(step: str, done: int, total: int) -> None:
        progress(step, done, total)
        if step == "solving":
            (folder / f"{os.getpid()}-{uuid4().hex}").touch()
            while not (folder / "go").exists():
                time.sleep(0.05)

    return route(**arguments, acting_user=user, now=NOW, report=tell).as_json()


register_job("held_route", held_route, permission="routing.run")
