"""Other processes on the data of a test: their environment, and waiting for them."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
WAIT = 90.0


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """Return the environment of another process: on the test's own database on PostgreSQL.

    On SQLite, where a test's database is in memory, it is on a copy in a file under `tmp_path`
    (made once): what the process did is to be asked of another process. The test must have
    committed (`django_db(transaction=True)`).
    """
    return {**os.environ, "DATABASE_URL": _address(tmp_path), "VAR_DIR": str(tmp_path), **more}


def _address(tmp_path: Path) -> str:
    if connection.vendor == "postgresql":
        database = connection.settings_dict
        return (
            f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:"
            f"{database['PORT'] or 5432}/{database['NAME']}"
        )
    path = tmp_path / "copy.sqlite3"
    if not path.exists():
        connection.ensure_connection()
        copy = sqlite3.connect(path)
        connection.connection.backup(copy)
        copy.close()
    return f"sqlite:///{path}"


def manage(tmp_path: Path, *arguments: str, **more: str) -> str:
    """Run a management command in a process of its own; returns what it printed."""
    found = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(tmp_path, **more),
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def query(tmp_path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read the database of the processes that were given this `environment`."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3", timeout=20)) as copy:
        return copy.execute(sql).fetchall()


def until(condition: Callable[[], object], seconds: float = WAIT) -> None:
    """Wait until something holds, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)
