"""``up`` from nothing until all is truly ready: by us, by podman-compose, and the same steps one after the other."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bed import local_ai
from tests.bed.backend import House, house, wait_until
from tests.bed.stack_images import variables

from aistack_backend.api.roles.folder import roles_dir
from aistack_backend.api.stackwork import ROLES
from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.provision_api import ApiProvisioner
from aistack_backend.containers.stack import goal as goals
from aistack_backend.containers.stack import plan
from aistack_backend.containers.stack.source import ManifestSource, bundled
from bench.contenders import CONTENDERS, LONGEST, Ground, call
from bench.figures import Figure
from bench.stage import PODMAN
from bench.truth import Truth

ROUNDS = {"minimal": 3, "full": 1}
"""How often each goal is brought up by each; who begins changes, and the median counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """How one contender did, in seconds from its start."""

    returned: float
    ready: float
    false: dict[str, str]
    """Services that it called ready and that were not, with what each lacked."""


def run() -> list[Figure]:
    """Bring each goal up by each contender, in one run, side by side."""
    if there := local_ai.names("ps") | local_ai.names("volume"):
        raise RuntimeError(f"a stack of this machine is in the way: {', '.join(sorted(there))}")
    figures = []
    with _ground() as ground:
        for goal, rounds in ROUNDS.items():
            ids = plan.ordered(ground.manifest, goals.services(ground.manifest, goal, with_needs=True))
            races: dict[str, list[Race]] = {name: [] for name in CONTENDERS}
            for number in range(rounds):
                for name in (*tuple(races)[number:], *tuple(races)[:number]):
                    races[name].append(_race(ground, name, goal, ids))
            figures += _figures(goal, len(ids), races)
    return figures


@contextmanager
def _ground() -> Iterator[Ground]:
    """Give a backend that does not heal, and the Compose file with the test bed's images."""
    with tempfile.TemporaryDirectory(prefix="up-") as folder:
        env_file = Path(folder, "images.env")
        with house(AI_STACK_ENV_FILE=str(env_file), AISTACK_STACK_HEAL="false") as home:
            found = {**variables(), ROLES: str(roles_dir(home.data / "run"))}
            env_file.write_text("".join(f"{name}={value}\n" for name, value in found.items()))
            home.start()
            adapter = ApiPodman(f"unix://{PODMAN}", {})
            made = ApiProvisioner(adapter)
            try:
                yield Ground(
                    home=home,
                    env_file=env_file,
                    manifest=ManifestSource([bundled()], {}, env_file).get(),
                    podman=adapter,
                    provisioner=made,
                    climb=Climber(adapter, made, SystemClock()),
                )
            finally:
                adapter.close()


def _race(ground: Ground, name: str, goal: str, ids: Sequence[str]) -> Race:
    _wait_for(ground.home)
    services = [ground.manifest.services[key] for key in ids]
    try:
        with Truth(ground.climb, services) as truth:
            began = time.time()
            claims = CONTENDERS[name](ground, goal, ids)
            returned = time.time() - began
            ready = truth.wait(LONGEST) - began
            false = truth.false(claims)
    finally:
        local_ai.remove()
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"  {goal}, {name}: returned {returned:.1f} s, ready {ready:.1f} s, load average {load}", flush=True)
    for key, lacks in false.items():
        print(f"    called ready, and was not: {key}: {lacks[:120]}", flush=True)
    return Race(returned=returned, ready=ready, false=false)


def _wait_for(home: House) -> None:
    """Wait until the backend plans."""
    wait_until(lambda: "steps" in call(home, "POST", "/v1/stack/plan", {}), 60, home.said)


def _figures(goal: str, count: int, races: dict[str, list[Race]]) -> list[Figure]:
    told, ready = [], {name: statistics.median(one.ready for one in ran) for name, ran in races.items()}
    for name, ran in races.items():
        title, returned = f"up {goal} ({count}), {name}", statistics.median(one.returned for one in ran)
        false = sum(len(one.false) for one in ran)
        told += [
            Figure(name=f"{title}: truly ready, median of {len(ran)}", value=ready[name], unit="s"),
            Figure(name=f"{title}: returned", value=returned, unit="s"),
            Figure(
                name=f"{title}: called ready, and was not",
                value=false,
                unit=f"of {len(ran) * count}",
                goal="0" if name == "ours" else "",
            ),
        ]
    for name, wish in (("in sequence", "<= 60"), ("podman-compose", "")):
        share = ready["ours"] / ready[name] * 100
        told.append(Figure(name=f"up {goal}: ours, of the time of {name}", value=share, unit="%", goal=wish))
    return told
