"""`make serve`: web server and worker with beat, without any other server, on SQLite."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.processes import ROOT, until


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize(
    "how", ["terminal", pytest.param("supervisor", marks=pytest.mark.services)]
)
def test_events_are_sealed_while_it_serves_and_both_end(tmp_path: Path, how: str) -> None:
    port = free_port()
    left_out = ("DATABASE_URL", "CELERY_BROKER_URL", "AUDIT_SEAL_FILE")
    variables = {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "VAR_DIR": str(tmp_path),
        "AUDIT_SEAL_SECONDS": "2",
        "PORT": str(port),
        "BIN": str(Path(sys.executable).parent),
    }
    for command in (["migrate", "--verbosity", "0"], ["seal_events"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=variables, check=True)
    # Loading the catalogue writes events that nobody seals but the schedule.
    subprocess.run([sys.executable, "manage.py", "load_catalogue"], cwd=ROOT, env=variables)
    seals = tmp_path / "audit-seals.jsonl"
    assert len(seals.read_text().splitlines()) == 1
    served = subprocess.Popen(
        ["sh", "scripts/serve.sh"],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: len(seals.read_text().splitlines()) >= 2)
        assert json.loads(seals.read_text().splitlines()[-1])["number"] == 2
        until(lambda: _answers(port))
    finally:
        if how == "terminal":
            os.killpg(served.pid, signal.SIGINT)  # Ctrl-C reaches the whole group
        else:
            served.terminate()
        served.wait(60)
    assert not _processes_of(tmp_path)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _processes_of(folder: Path) -> str:
    """Return the processes that were started with this folder in their arguments."""
    return subprocess.run(
        ["sh", "-c", f"ps -eo args | grep -F '{folder}' | grep -v grep || true"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
