"""Settings: a bad value stops the start with a message that names the variable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "9f2c" + "".join(f"{i:02d}kX" for i in range(15))


def start(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "MODE")}
    return subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        cwd=ROOT,
        env={**clean, "VAR_DIR": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"MODE": "staging"}, "MODE="),
        ({"MODE": "production"}, "SECRET_KEY must be set"),
        ({"DEBUG": "maybe"}, "DEBUG='maybe' is not a yes or no"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL must begin"),
        ({"ESTIMATE_HALF_LIFE_DAYS": "0"}, "is not a whole number from 1, or none"),
        ({"OPERATION_TIME_ZONE": "Mars/Base"}, "is not an IANA time zone"),
        ({"SECRET_KEY_FILE": "/nowhere"}, "SECRET_KEY_FILE: cannot read"),
    ],
)
def test_a_bad_value_stops_the_start(tmp_path: Path, variables: dict, words: str) -> None:
    found = start(tmp_path, **variables)
    assert found.returncode != 0
    assert words in found.stderr


def test_production_is_clean(tmp_path: Path) -> None:
    found = start(
        tmp_path,
        "--deploy",
        MODE="production",
        SECRET_KEY=SECRET,
        AUDIT_KEY=SECRET,
        API_KEY_PEPPER=SECRET,
        ALLOWED_HOSTS="ops.example.com",
    )
    assert found.returncode == 0, found.stderr
    assert "no issues" in found.stdout + found.stderr
