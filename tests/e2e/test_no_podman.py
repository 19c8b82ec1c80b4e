"""Podman that is not there is said within two seconds, with what was tried and the fix, and found again by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.boxes import Boxes
from tests.e2e.conftest import Opener


@pytest.fixture
def alone() -> Iterator[House]:
    """A house whose Podman socket does not exist."""
    with house() as made:
        made.env["CONTAINER_HOST"] = f"unix://{made.folder}/podman.sock"
        yield made


def test_it_is_said_with_the_fix(alone: House, console: Opener) -> None:
    alone.start()
    screen = console(alone, columns=120, lines=30)
    screen.wait_for(f"{alone.folder}/podman.sock", 10)
    screen.press("2")
    screen.wait_for("podman")
    assert "OK" not in screen.line("SERVICES")


def test_a_verb_says_it_in_one_sentence(alone: House) -> None:
    alone.start()
    done = alone.cli("containers", code=1)
    assert done.stderr.count("\n") == 1
    assert "podman" in done.stderr.lower()
    assert "Traceback" not in done.stderr


@pytest.mark.podman
def test_it_is_found_again_without_anybody_asking(alone: House, boxes: Boxes, console: Opener) -> None:
    web = boxes.run("web")
    alone.start()
    screen = console(alone, columns=120, lines=30)
    screen.press("2")
    screen.wait_for("SERVICES")
    socket = Path(alone.env["CONTAINER_HOST"].removeprefix("unix://"))
    service = subprocess.Popen(
        ["podman", "system", "service", "--time=0", f"unix://{socket}"], stdin=subprocess.DEVNULL
    )
    try:
        wait_until(socket.exists, 10, "the service did not start", service)
        screen.wait_for(lambda _: "OK" in screen.line(web), 60)
    finally:
        service.terminate()
        service.wait(10)
    screen.wait_for(lambda _: "OK" not in screen.line("SERVICES") or "UNKNOWN" in screen.text, 60)
