"""One backend a data directory; consoles and verbs attach to the one that runs."""

from __future__ import annotations

import subprocess

from tests.bed.backend import BACKEND, House
from tests.e2e.conftest import Opener

LINKED = "B/s"
"""The link meter, which is there once the backend's events come in."""


def test_a_second_backend_says_who_is_there(up: House) -> None:
    done = subprocess.run([BACKEND, "serve"], env=up.env, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert (up.data / "backend.lock").read_text().strip() in done.stderr


def test_two_consoles_share_one_backend(home: House, console: Opener) -> None:
    first, second = console(home), console(home)  # both find none: one of them starts it
    first.wait_for(LINKED)
    second.wait_for(LINKED)
    first.press("q")
    assert first.wait_end() == 0
    second.press("2")
    second.wait_for("SERVICES")
    assert home.answers()


def test_leaving_the_console_leaves_the_backend(home: House, console: Opener) -> None:
    screen = console(home)
    screen.wait_for(LINKED)
    before = (home.data / "backend.lock").read_text()
    screen.press("q")
    assert screen.wait_end() == 0
    assert home.answers()
    home.cli("status", "--no-start", code=None)
    assert (home.data / "backend.lock").read_text() == before
