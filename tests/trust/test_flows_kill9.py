"""A run under a backend that is killed at any moment: no step is lost, done twice, or done without its approval."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.bed.backend import House, house, wait_until
from tests.bed.boxes import podman
from tests.bed.flows import look, run, stack, states

pytestmark = [pytest.mark.podman, pytest.mark.timeout(600)]
KILLS = int(os.environ.get("AISTACK_FLOW_KILLS", "3"))
SEED = int(os.environ.get("AISTACK_FLOW_SEED", "1"))


@pytest.fixture
def project() -> Iterator[str]:
    name = f"flowk-{uuid.uuid4().hex[:6]}"
    yield name
    podman("rm", "-f", "-t", "0", *(f"{name}-{one}" for one in ("web", "side", "watch")), check=False)
    podman("volume", "rm", "-f", f"{name}-data", check=False)
    podman("network", "rm", "-f", f"{name}-net", check=False)


def test_kills_at_any_moment(project: str) -> None:
    dice = random.Random(SEED)
    with house(AISTACK_STACK_HEAL="false", AISTACK_APPROVALS_MOST_A_MINUTE="0") as home:
        home.env["AISTACK_STACK"] = str(stack(home.folder, project))
        home.start()
        killed, number = 0, begun(home)
        while killed < KILLS or look(home, number)["task"]["state"] == "running":
            if look(home, number)["task"]["state"] != "running":
                number = begun(home)
            approving = threading.Thread(target=decide, args=(home, number))
            approving.start()
            if killed < KILLS:
                threading.Event().wait(dice.uniform(0.0, 2.5))  # the moment is what is tried
                kill(home)
                killed += 1
                approving.join()
                home.start()
            approving.join()
        holds(home)


def begun(home: House) -> int:
    """Begin a run over three services, two of which have effects."""
    words = ("--input", "services=side", "--input", "monitoring=watch", "--no-wait")
    return int(run(home, "deploy_with_monitoring", *words, code=0)["task"]["id"])


def decide(home: House, number: int) -> None:
    """Approve what the run asks for, as far as the backend lives."""
    said = home.cli("workflow", "runs", str(number), "--json", "--no-start", code=None)
    steps = json.loads(said.stdout)["steps"] if said.returncode == 0 else []
    for one in steps:
        if one["approval_id"]:
            home.cli("approve", str(one["approval_id"]), "--yes", "--no-start", code=None)


def kill(home: House) -> None:
    """End the backend as a crash does."""
    assert home._backend is not None
    home._backend.kill()
    home._backend.wait()


def holds(home: House) -> None:
    """Every run ended done, each step by one task that was approved by a person and whose effect began once."""
    wait_until(lambda: home.answers(), 10, home.said)
    runs = json.loads(home.cli("workflow", "runs", "--json").stdout)["runs"]
    assert {one["task"]["state"] for one in runs} == {"done"}, runs
    with sqlite3.connect(f"file:{home.data}/aistack.db?mode=ro", uri=True) as rows:
        effects = rows.execute(
            "select p.parent_id, p.node, e.key, a.decided_by, a.state from effect e "
            "join approval a on a.id = e.approval_id join task_parent p on p.task_id = e.task_id"
        ).fetchall()
        open_ones = rows.execute("select count(*) from flow_step where state in ('waiting', 'working')").fetchone()[0]
    assert open_ones == 0
    steps = Counter((parent, node.partition("/")[0]) for parent, node, *_ in effects)
    assert set(steps) == {(one["task"]["id"], step) for one in runs for step in ("deploy", "watch")}
    assert set(steps.values()) == {1}, "an effect began twice"
    assert {(who.partition(":")[0], state) for *_, who, state in effects} == {("operator", "used")}
    assert all(set(states(look(home, one["task"]["id"])).values()) == {"done"} for one in runs)
    assert "HOLDS" in home.cli("audit", "verify").stdout.upper()
    print(f"{KILLS} kills, {len(runs)} runs, {len(effects)} effects: none lost, none twice, none unapproved")
