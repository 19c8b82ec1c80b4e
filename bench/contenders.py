"""Three ways to bring the same services of the same Compose file up; each says when it called which one ready."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bed.backend import House, wait_until
from tests.bed.drill import ENDED, Unix

from aistack_backend.containers.ladder.port import Climb
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.provision_api import ApiProvisioner
from aistack_backend.containers.stack import gates, secrets
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.source import bundled
from aistack_backend.containers.stack.spec import labels, spec

LONGEST = 300.0
COMPOSE = Path(sys.executable).with_name("podman-compose")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every contender stands on."""

    home: House
    env_file: Path
    manifest: Manifest
    podman: ApiPodman
    provisioner: ApiProvisioner
    climb: Climb

    def foundations(self, ids: Sequence[str]) -> None:
        """Make the secrets, and what else ``podman-compose`` makes by itself."""
        used = {use.source for key in ids for use in self.manifest.services[key].secrets}
        secrets.ensure(self.manifest, self.provisioner, frozenset(used))


def ours(ground: Ground, goal: str, ids: Sequence[str]) -> dict[str, float]:
    """Ask the backend as a person does; it called ready what its boot shows as ready, when it did."""
    wish: dict[str, Any] = {"kind": "stack.up", "target": goal}
    seen = call(ground.home, "POST", "/v1/actions/preview", wish)
    if "action_hash" not in seen:
        raise RuntimeError(f"our up was refused: {seen}")
    wish |= {"confirmed_hash": seen["action_hash"], "code": seen["code"], "typed_name": seen["typed_name"]}
    task = call(ground.home, "POST", "/v1/tasks/action", wish)["id"]
    state = lambda: call(ground.home, "GET", f"/v1/tasks/{task}")  # noqa: E731
    wait_until(lambda: state()["state"] in ENDED, LONGEST, lambda: str(state()))
    boot = call(ground.home, "GET", "/v1/boots")["boots"][0]
    if boot["id"] != task or boot["state"] != "done":
        raise RuntimeError(f"our up ended {boot['state']}: {boot['detail']}")
    ready = {row["service"]: mark["at"] for row in boot["rows"] for mark in row["marks"] if mark["stage"] == "ready"}
    return {key: ready[key] for key in ids}


def sequence(ground: Ground, goal: str, ids: Sequence[str]) -> dict[str, float]:
    """Create, start and wait for each, one after the other, without plan, gate or record."""
    manifest, claims = ground.manifest, {}
    ground.foundations(ids)
    for network in manifest.networks.values():
        ground.provisioner.create_network(network.name, labels(manifest), internal=network.internal)
    for key in ids:
        service = manifest.services[key]
        for mount in service.mounts:
            if mount.type == "volume":
                ground.provisioner.create_volume(mount.source, labels(manifest))
        image = ground.podman.image(service.image).id
        ground.podman.start(ground.provisioner.create_service(spec(manifest, service, image)))
        asyncio.run(gates.ready(ground.climb, service, gates.limit(service, None), lambda _: None, lambda _: None))
        claims[key] = time.time()
    return claims


def podman_compose(ground: Ground, goal: str, ids: Sequence[str]) -> dict[str, float]:
    """Run ``podman-compose up -d``; its return with 0 is its only word."""
    ground.foundations(ids)
    command = [COMPOSE, "-f", bundled(), "--env-file", ground.env_file, "up", "-d", *ids]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    if done.returncode:
        raise RuntimeError(f"podman-compose ended with {done.returncode}: {done.stderr[-500:]}")
    return dict.fromkeys(ids, time.time())


CONTENDERS: Mapping[str, Any] = {"ours": ours, "in sequence": sequence, "podman-compose": podman_compose}


def call(home: House, method: str, path: str, body: object = None) -> Any:
    """Ask a backend as a person does; return its answer."""
    connection = Unix(home.socket)
    try:
        raw = None if body is None else json.dumps(body)
        connection.request(method, path, raw, {"Content-Type": "application/json", "X-Aistack-Via": "cli"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer
