"""A run under a backend that is killed at any moment: no step is lost, done twice, or done without its approval."""

from __future__ import annotations

import json
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


@pytest.fixture
def project() -> Iterator[str]:
    name = f"flowk-{uuid.uuid4().hex[:6]}"
    yield name
    podman("rm", "-f", "-t", "0", *(f"{name}-{one}" for one in ("web", "side", "watch")), check=False)
    podman("volume", "rm", "-f", f"{name}-data", check=False)
    podman("network", "rm", "-f", f"{name}-net", check=False)


@pytest.mark.parametrize(
    ("kills", "seed"),
    [
        pytest.param(2, 1, id="few"),
        pytest.param(30, 7, id="soak", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)
def test_kills_at_any_moment(project: str, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    with house(AISTACK_STACK_HEAL="false", AISTACK_APPROVALS_MOST_A_MINUTE="0") as home:
        home.env["AISTACK_STACK"] = str(stack(home.folder, project))
        home.start()
        killed, number = 0, begun(home)
        while killed < kills or look(home, number)["task"]["state"] == "running":
            if look(home, number)["task"]["state"] != "running":
                number = begun(home)
            approving = threading.Thread(target=decide, args=(home, number))
            approving.start()
            if killed < kills:
                threading.Event().wait(dice.uniform(0.0, 2.5))  # the moment is what is tried
                kill(home)
                killed += 1
                approving.join()
                home.start()
            approving.join()
        print(f"{kills} kills, {holds(home)}: none lost, none twice, none unapproved")


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


def holds(home: House) -> str:
    """Every run ended done, each step by one task that was approved by a person and whose effect began once."""
    wait_until(lambda: home.answers(), 10, home.said)
    runs = json.loads(home.cli("workflow", "runs", "--json").stdout)["runs"]
    done = [one["task"]["id"] for one in runs if one["task"]["state"] == "done"]
    others = [one["task"]["reason"] for one in runs if one["task"]["id"] not in done]
    assert all("failed: Podman refused" in reason for reason in others), others  # a machine that others use, too
    with sqlite3.connect(f"file:{home.data}/aistack.db?mode=ro", uri=True) as rows:
        effects = rows.execute(
            "select p.parent_id, p.node, e.key, a.decided_by, a.state from effect e "
            "join approval a on a.id = e.approval_id join task_parent p on p.task_id = e.task_id"
        ).fetchall()
        open_ones = rows.execute("select count(*) from flow_step where state in ('waiting', 'working')").fetchone()[0]
    assert open_ones == 0
    steps = Counter((parent, node.partition("/")[0]) for parent, node, *_ in effects)
    assert {(number, step) for number in done for step in ("deploy", "watch")} <= set(steps), "an effect was lost"
    assert set(steps.values()) == {1}, "an effect began twice"
    assert {(who.partition(":")[0], state) for *_, who, state in effects} == {("operator", "used")}
    assert all(set(states(look(home, number)).values()) == {"done"} for number in done)
    assert "HOLDS" in home.cli("audit", "verify").stdout.upper()
    return f"{len(done)} of {len(runs)} runs done, {len(effects)} effects"
