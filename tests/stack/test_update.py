"""Updates from a real registry: a good image is taken, a bad one is rolled back by itself, a cut-off one settles."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.boxes import podman
from tests.bed.registry import publish, registry

from aistack_backend.clock import SystemClock
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.containers.provision_api import ApiProvisioner
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.containers.stack.spec import spec
from aistack_backend.containers.update.facts import Facts
from aistack_backend.containers.update.part import UpdatePart
from aistack_backend.containers.update.swap import BEFORE, Swap
from aistack_backend.errors import BadInput
from aistack_backend.store.database import Database

pytestmark = [pytest.mark.podman, pytest.mark.timeout(300)]
GOOD = "echo serving; exec httpd -f -p 8080 -h /"
BAD = "echo the new one is broken; exit 3"
DEAF = "exec sleep 1000"


class Yard:
    """One service of a registry's image, and the part that updates it."""

    def __init__(self, folder: Path, socket: Path, unique: str, where: str) -> None:
        self.folder, self.ref = folder, f"{where}/{unique}web:1"
        self.podman = ApiPodman(f"unix://{socket}", {})
        self.provisioner = ApiProvisioner(self.podman)
        self.database = Database(f"sqlite:///{folder}/aistack.db")
        self.decl = ServiceDecl(id="web", container=f"{unique}web", image=self.ref, expose=(8080,), stop_grace=1.0)
        self.manifest = Manifest(files=(), project=unique, services={"web": self.decl})
        clock = SystemClock()
        climber = Climber(self.podman, self.provisioner, clock)
        self.swap = Swap(self.podman, self.provisioner, climber, lambda _: None)
        self.facts = Facts(self.database)
        self.part = UpdatePart(
            lambda: self.manifest,
            self.podman,
            self.provisioner,
            self.swap,
            History(self.database, clock),
            self.facts,
        )

    def start(self) -> str:
        first = publish(self.ref, self.folder, GOOD)
        self.podman.start(self.provisioner.create_service(spec(self.manifest, self.decl, first)))
        return first

    def newer(self, command: str) -> str:
        """Publish another image under the same name, and let this machine mean the earlier one by it."""
        here = podman("image", "inspect", "--format", "{{.Id}}", self.ref).strip()
        made = publish(self.ref, self.folder, command)
        podman("tag", here, self.ref)
        return made

    def runs(self) -> dict[str, tuple[str, str]]:
        rows = [row for row in self.podman.list() if row.name.startswith(self.decl.container)]
        return {row.name: (row.image_id, row.state.value) for row in rows}

    def close(self) -> None:
        for row in self.podman.list():
            if row.name.startswith(self.decl.container):
                self.podman.remove(row.id, force=True)
        podman("rmi", "-f", self.ref, check=False)
        self.podman.close()
        self.database.close()


@pytest.fixture
def yard(tmp_path: Path, podman_socket: Path, unique: str) -> Iterator[Yard]:
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is missing; run `make testbed`")
    with registry(tmp_path) as where:
        made = Yard(tmp_path, podman_socket, unique, where)
        yield made
        made.close()


async def test_a_newer_image_is_taken_when_it_gets_ready(yard: Yard) -> None:
    first = yard.start()
    with pytest.raises(BadInput):
        yard.part.prepare("stack.update", "web")
    assert yard.facts.now() == {"web": "none"}
    second = yard.newer(GOOD.replace("serving", "serving better"))
    action, evidence = yard.part.prepare("stack.update", "web")
    assert action.image == second
    assert evidence.title == "update web"
    assert yard.runs() == {yard.decl.container: (first, "running")}
    assert yard.facts.now() == {"web": "available"}
    assert yard.part.recheck(action) == ""
    outcome = await yard.part.run("k", action)
    assert outcome.ok, outcome
    assert yard.runs() == {yard.decl.container: (second, "running")}
    assert yard.facts.now() == {"web": "none"}
    assert (await yard.part.run("k", action)).ok  # taken up again after a kill: nothing more to do


@pytest.mark.parametrize("command", [BAD, pytest.param(DEAF, marks=pytest.mark.soak)])
async def test_a_bad_image_is_rolled_back_by_itself(yard: Yard, command: str) -> None:
    first = yard.start()
    bad = yard.newer(command)
    action, _ = yard.part.prepare("stack.update", "web")
    outcome = await yard.part.run("k", action)
    assert not outcome.ok
    assert outcome.text.startswith("web did not get ready with the newer image and is rolled back: ")
    if command == BAD:
        assert "the new one is broken" in outcome.text
    assert yard.runs() == {yard.decl.container: (first, "running")}
    assert yard.facts.now()["web"].startswith("rolled back: ")
    assert yard.podman.image(yard.ref).id == first  # the next up does not take the bad one
    assert bad != first


async def test_what_was_cut_off_settles_to_the_earlier_one(yard: Yard) -> None:
    first = yard.start()
    second = yard.newer(DEAF)
    action, _ = yard.part.prepare("stack.update", "web")
    yard.swap._begin(yard.manifest, yard.decl, second)  # and here the backend was killed
    assert set(yard.runs()) == {yard.decl.container, yard.decl.container + BEFORE}
    assert yard.part.recheck(action) == ""
    yard.swap.settle(yard.decl)
    assert yard.runs() == {yard.decl.container: (first, "running")}


async def test_a_changed_declaration_is_not_updated(yard: Yard) -> None:
    yard.start()
    yard.newer(GOOD.replace("serving", "other"))
    action, _ = yard.part.prepare("stack.update", "web")
    yard.decl = ServiceDecl(id="web", container=yard.decl.container, image=yard.ref, expose=(9090,))
    yard.manifest = Manifest(files=(), project="x", services={"web": yard.decl})
    assert "changed since this was approved" in yard.part.recheck(action)
