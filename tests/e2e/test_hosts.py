"""Another machine, from the configuration to the screen: listed, read, restarted by the one gate, lost and back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psutil
import pytest
from tests.bed.backend import House, wait_until
from tests.bed.boxes import Boxes
from tests.bed.far import USER, FarMachine, far_machine
from tests.e2e.conftest import Opener

pytestmark = [pytest.mark.podman, pytest.mark.timeout(180)]


@pytest.fixture
def machine(home: House) -> Iterator[FarMachine]:
    """Another machine that the house's configuration names ``far``; a backend that watches it."""
    with far_machine(home) as made:
        (home.folder / "config.toml").write_text(made.section("far"))
        home.start()
        yield made
        home.stop_backend()


def listed(home: House) -> dict[str, dict[str, object]]:
    rows = json.loads(home.cli("containers", "--json", code=None).stdout)["containers"]
    return {f"{row['host']}/{row['name']}": row for row in rows}


def test_verbs_name_the_machine(home: House, machine: FarMachine, boxes: Boxes) -> None:
    own = boxes.run("own")
    wait_until(lambda: f"/{own}" in listed(home), 15, "the own container is not listed")
    assert listed(home)["far/web"]["host"] == "far"
    assert listed(home)[f"/{own}"]["host"] == ""
    printed = home.cli("containers").stdout
    assert "far/web" in printed
    assert f"  {own} " in printed
    assert home.cli("logs", "far/web").stdout == "hello from afar\n"
    assert "other machines have far/web" in home.cli("logs", "web", code=2).stderr
    assert "There is no host moon." in home.cli("logs", "moon/web", code=1).stderr
    assert "host far" in home.cli("status", code=None).stdout
    assert f"Podman answers on ssh://{USER}@127.0.0.1:" in home.cli("status", code=None).stdout
    assert "takes our key" in home.cli("doctor", code=None).stdout


def test_a_restart_passes_the_gate_and_reaches_that_machine_alone(home: House, machine: FarMachine) -> None:
    before = machine.podman.started_at("web")
    asked = json.loads(home.cli("run", "restart far/web", "--planner", "rules", "--json", code=None).stdout)
    number = str(asked["approval_id"])
    shown = home.cli("approvals", number).stdout
    assert "restart container far/web" in shown
    assert "on the machine far" in shown
    assert f"ssh://{USER}@127.0.0.1:{machine.login.port}{machine.podman.socket}" in shown
    assert machine.podman.started_at("web") == before
    home.cli("approve", number, "--yes", "--until-done")
    assert machine.podman.started_at("web") != before
    records = home.cli("tasks", str(asked["id"])).stdout
    assert "far/web" in records


def test_a_lost_machine_is_told_on_screen_and_nothing_of_it_runs(
    home: House, machine: FarMachine, console: Opener
) -> None:
    screen = console(home, columns=120, lines=40)
    screen.wait_for("HOST")
    screen.press("2")
    screen.wait_for("1 other container")
    screen.press("G")  # the machine's rows stand below the stack's twenty, under the fold
    screen.wait_for("host far")
    asked = json.loads(home.cli("run", "stop far/web", "--planner", "rules", "--json", code=None).stdout)
    machine.known_hosts.write_text("")
    ssh = [one for one in psutil.process_iter(["name", "cwd"]) if str(one.info["cwd"]).startswith(str(home.data))]
    next(one for one in ssh if one.info["name"] == "ssh").kill()
    screen.wait_for("UNKNOWN")
    screen.wait_for("is not known here")
    home.cli("approve", str(asked["approval_id"]), "--yes", "--until-done", code=None)
    assert machine.podman.podman("container", "inspect", "--format={{.State.Status}}", "web") == "running"
    assert "is not known here" in home.cli("containers", code=1).stderr
    key = (machine.login.folder / "host.pub").read_text()
    machine.known_hosts.write_text(f"[127.0.0.1]:{machine.login.port} {key}")
    wait_until(lambda: home.cli("containers", code=None).returncode == 0, 60, "it did not come back")
