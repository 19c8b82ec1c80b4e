"""Self-heal on real containers: what dies comes back with its reason on record; what a person stopped stays down."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bed.backend import wait_until
from tests.bed.boxes import podman
from tests.bed.drill import Drill

pytestmark = [pytest.mark.podman, pytest.mark.timeout(300)]
COMPOSE = """
name: {name}
x-aistack: {{tiers: [all]}}
services:
  worker: &one
    image: localhost/aistack-probe:1
    command: [sh, -c, "sleep 100000 & echo $$! > /tmp/pid; wait $$!; exit 3"]
    init: true
    stop_grace_period: 1s
    x-aistack: {{tiers: [all], heal: {{first_wait: 2s}}}}
  idler: *one
"""


@pytest.fixture
def drill(unique: str) -> Iterator[Drill]:
    name = unique.strip("-")
    made = Drill(Path(tempfile.mkdtemp(prefix="ai-", dir="/tmp")), name, COMPOSE.format(name=name))
    made.env["AISTACK_STACK_POLL"] = "2"
    yield made
    made.stop_backend()
    made.lose_everything()
    made.stop()


def running(name: str) -> bool:
    return podman("inspect", "--format", "{{.State.Running}}", name, check=False).strip() == "true"


def service(drill: Drill, ident: str) -> Any:
    return next(one for one in drill.call("GET", "/v1/stack")["services"] if one["id"] == ident)


def test_what_dies_comes_back_and_what_was_stopped_does_not(drill: Drill) -> None:
    drill.ready()
    drill.do("stack.up")
    worker, idler = drill.container("worker"), drill.container("idler")
    wait_until(lambda: service(drill, "worker")["state"] == "ok", 60, lambda: str(service(drill, "worker")))
    drill.do("container.stop", idler)
    wait_until(lambda: service(drill, "idler")["state"] == "stopped", 60, lambda: str(service(drill, "idler")))
    first = podman("inspect", "--format", "{{.State.StartedAt}}", worker)
    podman("exec", worker, "sh", "-c", "kill $(cat /tmp/pid)")
    again = lambda: running(worker) and podman("inspect", "--format", "{{.State.StartedAt}}", worker) != first  # noqa: E731
    wait_until(again, 90, lambda: str(service(drill, "worker")))
    healed = next(task for task in drill.call("GET", "/v1/tasks")["tasks"] if task["requester"] == "self-heal")
    assert healed["goal"].startswith("self-heal: worker is bad: ")
    records = drill.call("GET", "/v1/audit?limit=200&text=self-heal")["records"]
    ruled = [one["reason"] for one in records if one["phase"] == "decision" and one["task_id"] == healed["id"]]
    assert ruled[0].startswith(f"allow: rule container.start {worker} by self-heal")
    assert not running(idler)
    assert all(idler not in task["goal"] for task in drill.call("GET", "/v1/tasks")["tasks"] if task is healed)
    wait_until(
        lambda: "1 of 5" in service(drill, "worker")["heal"] or service(drill, "worker")["state"] == "ok", 30, ""
    )
