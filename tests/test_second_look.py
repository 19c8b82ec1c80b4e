"""The test script's second look at few failed tests: when it is taken, and what it forgives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHAKY = """
from pathlib import Path
import pytest

def test_good(): pass

@pytest.mark.parametrize("number", range({shaky}))
def test_shaky(number):
    seen = Path(f"seen-{{number}}")
    before = seen.exists()
    seen.touch()
    assert before

{more}
"""


def run(folder: Path, shaky: int, more: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the script's own function on a small suite."""
    (folder / "scripts").mkdir()
    (folder / ".cache" / "log").mkdir(parents=True)
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (folder / "scripts" / "second_look.py").write_bytes((ROOT / "scripts" / "second_look.py").read_bytes())
    (folder / "pytest.ini").write_text("[pytest]\n")  # its own, whatever lies above it
    (folder / "test_small.py").write_text(SHAKY.format(shaky=shaky, more=more))
    script = (ROOT / "scripts" / "test.sh").read_text()
    part = re.search(r"^shaky=.*?^}\n", script, re.M | re.S)
    assert part
    return subprocess.run(
        [
            "bash",
            "-euc",
            f"{part.group()}\nrun_pytest -p xdist -n 2 test_small.py || exit 1\ncat .cache/log/second-look || true",
        ],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "SECOND_LOOKS": "3", **env},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_shaky_test_passes_and_is_named(tmp_path: Path) -> None:
    said = run(tmp_path, 2)
    assert said.returncode == 0, said.stdout
    assert said.stdout.splitlines()[-2:] == ["test_small.py::test_shaky[0]", "test_small.py::test_shaky[1]"]
    assert "2 failed, 1 passed" in said.stdout, "the first failure stays on the screen"


def test_nothing_is_said_of_good_tests(tmp_path: Path) -> None:
    said = run(tmp_path, 0)
    assert said.returncode == 0
    assert "second look" not in said.stdout


@pytest.mark.parametrize(
    ("shaky", "more", "looks"),
    [
        (0, "def test_bad(): assert 0", "3"),
        (1, "def test_bad(): assert 0", "3"),
        (4, "", "3"),
        (1, "", "0"),
        (0, "import nothing_of_that_name", "3"),
    ],
    ids=["fails twice", "one of two fails twice", "too many", "none allowed", "cannot be collected"],
)
def test_what_is_final(tmp_path: Path, shaky: int, more: str, looks: str) -> None:
    said = run(tmp_path, shaky, more, SECOND_LOOKS=looks)
    assert said.returncode == 1, said.stdout
