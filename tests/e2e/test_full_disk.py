"""A full disk under the data directory: one clear sentence, nothing runs unrecorded, nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.boxes import Boxes
from tests.bed.disk import small_disk

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]
SIZE = 24 * 2**20


@pytest.fixture
def small() -> Iterator[House]:
    """A house on a file system of its own of 24 MB; mounting needs root, as the test bed does."""
    with house() as made, small_disk(made.data, str(SIZE)):
        yield made
        made.stop_backend()


def fill(home: House) -> None:
    """Leave not one byte free."""
    with (home.data / "ballast").open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue


def test_nothing_runs_that_cannot_be_recorded(small: House, boxes: Boxes) -> None:
    web = boxes.run("web")
    started = boxes.started_at(web)
    small.start()
    wait_until(lambda: web in small.cli("containers", code=None).stdout, 20, "the backend never saw it")
    task = json.loads(small.cli("run", f"restart {web}", "--planner", "rules", "--json").stdout)
    fill(small)
    done = small.cli("approve", str(task["approval_id"]), "--yes", code=1)
    assert done.stderr.strip().splitlines()[-1].startswith("aistack-console: ")
    assert "Traceback" not in done.stderr
    assert boxes.started_at(web) == started, "it ran although it could not be recorded"
    (small.data / "ballast").unlink()
    wait_until(
        lambda: small.cli("approve", str(task["approval_id"]), "--yes", "--until-done", code=None).returncode == 0,
        30,
        lambda: small.said() + small.cli("approvals", str(task["approval_id"]), code=None).stdout,
    )
    assert boxes.started_at(web) != started
    assert "HOLDS" in small.cli("audit", "verify").stdout
