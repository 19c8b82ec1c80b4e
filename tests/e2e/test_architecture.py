"""The commands of the page on architecture, run in its order."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from tests.bed.backend import House, wait_until
from tests.bed.boxes import Boxes

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
MAY_BE_UNWELL = {"status", "stack", "containers", "doctor"}
"""Verbs whose exit code tells how things stand, which on a bare machine is not well."""


def test_the_commands_of_the_page_run(up: House, boxes: Boxes) -> None:
    web = boxes.run("web")
    wait_until(lambda: web in up.cli("containers", code=None).stdout, 15, "the container is not listed")
    lines = [line for block in PAGE.read_text().split("```sh\n")[1:] for line in block.split("```")[0].splitlines()]
    for line in lines:
        words = [word.replace("restart web", f"restart {web}") for word in shlex.split(line)[1:]]
        done = up.cli(*words, code=None)
        assert done.returncode in ((0, 1) if words[0] in MAY_BE_UNWELL else (0,)), f"{line}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    told = up.cli("audit", "list").stdout
    assert "container.restart" in told
