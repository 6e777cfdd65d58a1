"""Locks on pools: runs that share a pool exclude each other, whichever project they are for.

The lock belongs to the process, not to a row: a killed run frees its pools by dying. PostgreSQL
gives session advisory locks; on SQLite, which lives on one machine, files are locked instead.
Pools are locked in the order of their ids, so that two runs cannot wait for each other in a ring.

Seats are shared out under locks that end with the transaction: whoever changes a seat holds its
project's lock shared, the flip of a run holds it alone. SQLite has one writer at a time and needs
none of these.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.db import connection

# The first of the two numbers of a PostgreSQL advisory lock: "pools of runs", "seats of projects",
# "what a human being takes".
NAMESPACE, SEATS, HUMANS = 7201, 7202, 7203


@contextmanager
def pool_locks(pool_ids: Sequence[int]) -> Iterator[int | None]:
    """Hold the locks of pools; yields None, or the id of the first pool that is taken.

    When a pool is taken nothing is held: the caller refuses and tells who runs.
    """
    take = _advisory if connection.vendor == "postgresql" else _file
    with ExitStack() as stack:
        for pool_id in sorted(set(pool_ids)):
            if not stack.enter_context(take(pool_id)):
                stack.close()
                yield pool_id
                return
        yield None


@contextmanager
def _advisory(pool_id: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [NAMESPACE, pool_id])
        taken = bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        # A lost connection has freed the lock already.
        if taken and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [NAMESPACE, pool_id])


@contextmanager
def _file(pool_id: int) -> Iterator[bool]:
    folder = settings.VAR_DIR / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    # The database's name is part of it, so that two databases under one folder stay apart.
    name = "".join(c if c.isalnum() else "-" for c in str(connection.settings_dict["NAME"]))
    descriptor = os.open(folder / f"{name[-80:]}-pool-{pool_id}", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = True
        except BlockingIOError:
            taken = False
        yield taken
    finally:
        os.close(descriptor)


def hold_seats(project_ids: Iterable[int]) -> None:
    """Keep runs of these projects from taking effect until the transaction ends.

    A statement of its own, before any that reads placements: what is read after it is what the run
    in force says.
    """
    _until_commit("pg_advisory_xact_lock_shared", project_ids)


def hold_human(human: int) -> None:
    """Let one claim at a time look at what a human being may still take; before `hold_seats`."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [HUMANS, human % (1 << 31)])


def hold_humans(humans: Iterable[int]) -> None:
    """Hold many human beings, in the one order in which everybody takes several."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, h) FROM unnest(%s::int[]) AS h",
                [HUMANS, sorted({human % (1 << 31) for human in humans})],
            )


def shut_seats(project_ids: Iterable[int]) -> None:
    """Keep everybody else from the seats of these projects until the transaction ends."""
    _until_commit("pg_advisory_xact_lock", project_ids)


def _until_commit(function: str, project_ids: Iterable[int]) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {function}(%s, p) FROM unnest(%s::int[]) AS p",
            [SEATS, sorted(set(project_ids))],
        )
