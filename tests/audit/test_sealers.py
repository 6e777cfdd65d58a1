"""Several sealers at once, as when two schedules run by mistake: one chain, one line a seal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT, environment, manage, until

EVENTS = 400
SEALERS = 4
SETUP = (
    "import os, pathlib, sys, time, django; "
    "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup()\n"
    "from audit.services import sealing\n"
    "from audit.services.events import record_event\n"
    "from common.time import utc_now\n"
    "from django.db import transaction\n"
    "def wait(name):\n"
    "    pathlib.Path(sys.argv[1], f'ready-{os.getpid()}').touch()\n"
    "    while not pathlib.Path(sys.argv[1], name).exists(): time.sleep(0.005)\n"
)
SEAL = (
    SETUP + "sealing.BATCH = 5\nwait('go')\n"
    "print(sum(sealing.seal_events(now=utc_now()) for _ in range(20)))\n"
)
WRITE = (
    SETUP + "wait('go')\n"
    f"for number in range({EVENTS // 2}):\n"
    "    with transaction.atomic():\n"
    "        record_event('thing.done', acting_user=None, now=utc_now(), n=number)\n"
    "print(0)\n"
)


@pytest.mark.django_db(transaction=True)
def test_two_sealers_cannot_both_win(tmp_path: Path) -> None:
    from django.db import transaction

    from audit.services.events import record_event
    from common.time import utc_now

    for number in range(EVENTS // 2):
        with transaction.atomic():
            record_event("thing.done", acting_user=None, now=utc_now(), n=number)
    variables = environment(tmp_path, AUDIT_SEAL_FILE=str(tmp_path / "seals.jsonl"))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for script in [*[SEAL] * SEALERS, WRITE]
    ]
    until(lambda: len(list(tmp_path.glob("ready-*"))) == len(processes))
    (tmp_path / "go").touch()
    sealed = 0
    for process in processes:
        out, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors
        sealed += int(out)
    more = {"AUDIT_SEAL_FILE": str(tmp_path / "seals.jsonl")}
    last = manage(tmp_path, "seal_events", **more)
    # The command's own system user is made by it: one event.
    sealed += int(last.split()[0])
    assert sealed == EVENTS + 1
    found = manage(tmp_path, "verify_log", **more)
    assert f"verifies: {EVENTS + 1} events" in found
    assert "0 not sealed yet" in found
    numbers = [
        json.loads(line)["number"] for line in (tmp_path / "seals.jsonl").read_text().splitlines()
    ]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= EVENTS // 5
