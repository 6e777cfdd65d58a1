"""Locks of pools between two real processes, on SQLite by file and on PostgreSQL by session."""

import subprocess
import sys
from pathlib import Path

import pytest

from routing.services.locks import pool_locks
from tests.processes import ROOT, environment, until

HOLD = """
import os, sys
import django
django.setup()
from routing.services.locks import pool_locks
with pool_locks([int(n) for n in sys.argv[1:]]) as busy:
    print("busy" if busy else "held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path: Path, settings, request: pytest.FixtureRequest):
    """Return a starter of processes that hold locks until their input ends."""
    started: list[subprocess.Popen[str]] = []

    def start(*pools: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, *map(str, pools)],
            cwd=ROOT,
            env=environment(tmp_path, DJANGO_SETTINGS_MODULE="config.settings"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def same_name(settings, tmp_path: Path) -> None:
    """On SQLite the other process is on a copy: the lock's file is named after the database."""
    from django.db import connection

    if connection.vendor == "sqlite":
        connection.settings_dict["NAME"], kept = (
            str(tmp_path / "copy.sqlite3"),
            connection.settings_dict["NAME"],
        )
        yield
        connection.settings_dict["NAME"] = kept
    else:
        yield


def free_now(*pools: int) -> bool:
    """Tell whether nobody holds these pools."""
    with pool_locks(list(pools)) as busy:
        return busy is None


@pytest.mark.django_db(transaction=True)
def test_a_pool_held_by_another_process_is_refused(other, same_name) -> None:
    process = other(7, 5)
    with pool_locks([9, 7]) as busy:
        assert busy == 7
        # Refused, it holds nothing: another may take the pool that it got before.
        with pool_locks([8]) as free:
            assert free is None
    with pool_locks([6, 8]) as busy:
        assert busy is None
    # Killed, it holds nothing any more, once the server has seen that it is gone.
    process.kill()
    process.communicate()
    until(lambda: free_now(5, 7), seconds=20)
    with pool_locks([5, 7]) as busy:
        assert busy is None
        assert_refused(other, 7)


def assert_refused(other, pool: int) -> None:
    with pytest.raises(AssertionError, match="busy"):
        other(pool)
