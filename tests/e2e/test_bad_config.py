"""An unknown key in the config file: one sentence with file, line and what would be right, and nothing starts."""

from __future__ import annotations

import subprocess

from tests.bed.backend import BACKEND, House
from tests.e2e.conftest import Opener


def test_the_console_says_it_and_does_not_open(home: House, console: Opener) -> None:
    file = home.folder / "config.toml"
    file.write_text("[console]\nthema = 'dusk'\n")
    screen = console(home, columns=160)
    assert screen.wait_end() == 2
    assert f"{file}:2" in screen.text
    assert "theme" in screen.text
    assert "Traceback" not in screen.text
    assert not home.answers()


def test_the_backend_says_it_and_does_not_start(home: House) -> None:
    file = home.folder / "config.toml"
    file.write_text("[approvals]\nthreshold = 'sometimes'\n")
    done = subprocess.run([BACKEND, "serve"], env=home.env, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{file}:2" in done.stderr
    assert "medium" in done.stderr


def test_the_audit_cannot_be_switched_off(home: House) -> None:
    home.env["RALPH_AUDIT_LOG"] = "false"
    done = subprocess.run([BACKEND, "serve"], env=home.env, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "RALPH_AUDIT_LOG" in done.stderr
    assert not home.answers()
