"""What the stack says of services that really break, and how many seconds after they did (goal: 2)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bed import stack_images
from tests.bed.boxes import PROBE, podman

from aistack_backend.bus import Bus
from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.ladder.service import StackService
from aistack_backend.containers.ladder.snapshot import Around
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.provision_api import ApiProvisioner
from aistack_backend.containers.service import Containers
from aistack_backend.containers.stack.source import ManifestSource
from aistack_backend.containers.stack.spec import labels, spec
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import Service, ServiceState, Stack

pytestmark = pytest.mark.podman
GOAL = 2.0
LIMIT = 15.0
"""Seconds after which a test gives up: this machine is shared, and the goal is printed beside the figure."""
OK, BAD, STARTING = ServiceState.OK, ServiceState.BAD, ServiceState.STARTING
SERVES = ["sh", "-c", "httpd -p 8080; exec sleep 1000"]


class HeardBus(Bus):
    """A bus that remembers every stack that was published, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        self.stacks: list[tuple[float, Stack]] = []

    def publish(self, topic: Topic, data: Any) -> None:
        super().publish(topic, data)
        if topic is Topic.STACK:
            with self.changed:
                self.stacks.append((time.time(), data))
                self.changed.notify_all()


class Row:
    """Services of one manifest on the real Podman, watched as the backend watches them."""

    def __init__(self, prefix: str, folder: Path, socket: str) -> None:
        self.prefix = prefix
        self._file = folder / "stack.yml"
        self.podman = ApiPodman(f"unix://{socket}", os.environ)
        self._provisioner = ApiProvisioner(self.podman)
        self.bus = HeardBus()
        clock = SystemClock()
        self._boats = Containers(self.podman, self.bus, clock)
        self._source = ManifestSource([self._file], {})
        climber = Climber(self.podman, self._provisioner, clock)
        self.watch = StackService(self._source, climber, self.bus, clock, lambda _: Around(), poll=1.0)

    def declare(self, secrets: dict[str, Any] | None = None, **services: dict[str, Any]) -> None:
        """Write the manifest (YAML is wider than JSON) and begin to watch."""
        import json

        made = {
            key: {"image": PROBE, "container_name": self.prefix + key, "stop_grace_period": "1s", **one}
            for key, one in services.items()
        }
        self._file.write_text(json.dumps({"name": self.prefix.rstrip("-"), "services": made, "secrets": secrets or {}}))
        self._boats.start()
        self.watch.start()

    def up(self, *keys: str) -> float:
        """Create and start services; return when the last was started."""
        manifest = self._source.get()
        for network in manifest.networks.values():
            self._provisioner.create_network(network.name, labels(manifest))
        for key in keys:
            service = manifest.services[key]
            image = self.podman.image(service.image).id
            self.podman.start(self._provisioner.create_service(spec(manifest, service, image)))
        return time.time()

    def secret(self, key: str, value: str) -> str:
        """Have Podman keep a secret; return its full name."""
        self._provisioner.create_secret(name := self.prefix + key, value.encode(), {})
        return name

    def until(self, what: str, since: float, good: Callable[[dict[str, Service]], bool]) -> dict[str, Service]:
        """Wait for a stack published after ``since`` in which it is so; print how long it took."""
        seen = 0
        with self.bus.changed:
            while True:
                for at, stack in self.bus.stacks[seen:]:
                    seen += 1
                    rows = {one.id: one for one in stack.services}
                    if at >= since and good(rows):
                        print(f"\n{what}: after {at - since:.2f} s (goal {GOAL:g} s)")
                        return rows
                if not self.bus.changed.wait(max(0.0, since + LIMIT - time.time())):
                    last = [(one.id, one.state, one.why) for one in self.bus.stacks[-1][1].services]
                    pytest.fail(f"{what}: not within {LIMIT:g} s; last: {last}")

    def states(self, key: str) -> set[ServiceState]:
        """Return every state that was ever said of a service."""
        return {one.state for _, stack in self.bus.stacks for one in stack.services if one.id == key}

    def ended(self, key: str) -> float:
        """Return when the service's container ended, by Podman's word."""
        self.podman.wait(self.prefix + key, 20)
        said = podman("inspect", "--format", "{{.State.FinishedAt.UnixMilli}}", self.prefix + key)
        return int(said) / 1000

    def close(self) -> None:
        """Remove everything."""
        self.watch.stop()
        self._boats.stop()
        ids = podman("ps", "-aq", "--filter", f"name={self.prefix}", check=False).split()
        podman("rm", "-f", "-t", "0", "-v", *ids, check=False)
        for name in podman("secret", "ls", "--format", "{{.Name}}", check=False).split():
            if name.startswith(self.prefix):
                podman("secret", "rm", name, check=False)
        for name in podman("network", "ls", "-q", check=False).split():
            if name.startswith(self.prefix.rstrip("-")):
                podman("network", "rm", "-f", name, check=False)


@pytest.fixture
def row(unique: str, tmp_path: Path, podman_socket: Path) -> Iterator[Row]:
    made = Row(unique, tmp_path, str(podman_socket))
    try:
        yield made
    finally:
        made.close()


def test_a_service_that_runs_and_does_not_listen(row: Row) -> None:
    row.declare(web={"command": ["sleep", "1000"], "expose": [8080]})
    began = row.up("web")
    found = row.until("runs, does not listen", began, lambda rows: "nothing listens on 8080" in rows["web"].why)["web"]
    assert found.state is STARTING
    assert OK not in row.states("web")


def test_a_health_command_that_always_passes_over_a_closed_port(row: Row) -> None:
    health = {"test": ["CMD", "true"], "interval": "1s"}
    row.declare(web={"command": SERVES, "expose": [8080], "healthcheck": health})
    row.until("serves", row.up("web"), lambda rows: rows["web"].state is OK)
    podman("exec", row.prefix + "web", "killall", "httpd")
    closed = time.time()
    found = row.until("port closed, health command passes", closed, lambda rows: rows["web"].state is not OK)["web"]
    assert (found.state, found.watched) == (BAD, True), "it had been well in this run"
    assert "nothing listens on 8080" in found.why
    assert podman("healthcheck", "run", row.prefix + "web") == "", "its own health command still passes"


def test_a_crash_loop_is_said_at_every_end(row: Row) -> None:
    row.declare(web={"command": ["sh", "-c", "echo cannot bind; sleep 1; exit 3"], "expose": [8080]})
    row.up("web")
    for turn in range(3):
        ended = row.ended("web")
        found = row.until(f"crash {turn + 1}", ended, lambda rows: rows["web"].state is BAD)["web"]
        assert "exit code 3" in found.why
        assert "cannot bind" in found.why
        if turn < 2:
            row.podman.start(row.prefix + "web")
            row.until("started again", time.time(), lambda rows: rows["web"].state is STARTING)
    assert OK not in row.states("web")


def test_a_kill_for_want_of_memory_is_told_as_that(row: Row) -> None:
    row.declare(web={"command": ["sh", "-c", "exec tail /dev/zero"], "mem_limit": "16m", "mem_reservation": "8m"})
    row.up("web")
    ended = row.ended("web")
    found = row.until("OOM kill", ended, lambda rows: rows["web"].state is BAD)["web"]
    print(found.why)
    assert "memory limit (16 MiB)" in found.why
    assert next(rung for rung in found.rungs if rung.name == "running").next_step == "Raise its memory limit."


def test_a_dependency_that_dies_is_one_root_with_three_symptoms(row: Row) -> None:
    needs = {"command": ["sleep", "1000"], "depends_on": ["db"]}
    row.declare(db={"command": SERVES, "expose": [8080]}, one=needs, two=needs, three=needs)
    began = row.up("db", "one", "two", "three")
    row.until("all four", began, lambda rows: all(one.state is OK for one in rows.values()))
    row.podman.kill(row.prefix + "db")
    ended = row.ended("db")
    rows = row.until("dependency died", ended, lambda rows: rows["db"].state is BAD)
    assert rows["db"].symptoms == ("one", "two", "three")
    assert rows["db"].root_cause == ""
    for key in ("one", "two", "three"):
        assert (rows[key].state, rows[key].root_cause) == (ServiceState.DEGRADED, "db")


SOURCE = "apiVersion: 1\n\ndatasources:\n  - name: J\n    uid: jaeger\n    type: jaeger\n    url: http://jaeger:16686\n"


@pytest.mark.stack
def test_traces_and_charts_are_useful_until_what_they_ask_is_gone(row: Row, tmp_path: Path) -> None:
    """On the stand-ins of the test bed, over Podman's own network, ports, secrets and commands inside."""
    (tmp_path / "provisioning" / "datasources").mkdir(parents=True)
    (tmp_path / "provisioning" / "datasources" / "stack.yaml").write_text(SOURCE)
    key = row.secret("key", "pass word")
    file = f"/run/secrets/{key}"
    asks = {"rung": "useful", "kind": "grafana", "secret": key, "source": "jaeger"}
    grafana = {
        "image": stack_images.image("grafana"),
        "ports": ["3000"],
        "environment": {"GF_SECURITY_ADMIN_PASSWORD__FILE": file},
        "volumes": ["./provisioning:/etc/grafana/provisioning:ro"],
        "secrets": [{"source": key, "target": file, "uid": "472"}],
        "x-aistack": {"probes": [asks]},
    }
    sends = {"rung": "useful", "kind": "jaeger"}
    jaeger = {"image": stack_images.image("jaeger"), "ports": ["16686"], "x-aistack": {"probes": [sends]}}
    row.declare(secrets={key: {"external": True}}, jaeger=jaeger, grafana=grafana)
    began = row.up("jaeger", "grafana")
    rows = row.until("both useful", began, lambda rows: all(one.state is OK for one in rows.values()))
    assert [one.rungs[-1].evidence for one in rows.values()] == [
        "It took a span and gave it back.",
        "Its data source jaeger answers it.",
    ]
    row.podman.stop(row.prefix + "jaeger", 1)
    rows = row.until("data source gone", time.time(), lambda rows: rows["grafana"].state is BAD)
    assert "Its data source jaeger does not answer it: http://jaeger:16686" in rows["grafana"].why
