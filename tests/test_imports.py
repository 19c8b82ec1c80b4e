"""Who imports whom: the layers hold, and the console's first frame loads nothing of the backend's weight."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("podman", "llama_cpp", "dbos", "sqlalchemy", "fastapi", "uvicorn", "pynvml", "psutil")


def loaded(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running ``statement``."""
    program = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_console_loads_nothing_of_the_backends_weight() -> None:
    """Its first frame must not wait for Podman, the model, the database or the web server."""
    assert not loaded("import aistack_console.app") & set(HEAVY)


def test_the_command_line_is_light() -> None:
    """Help, completions and wrong usage come without textual, httpx or msgspec."""
    light = loaded("from aistack_console.cli import parser\nparser()")
    assert not light & {*HEAVY, "textual", "httpx", "msgspec", "rich"}


def test_the_layers_hold() -> None:
    """Run import-linter's contracts of pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout
