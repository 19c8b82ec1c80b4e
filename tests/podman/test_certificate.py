"""A real nginx, its certificate as Podman's secret: renewed and seen over TLS, or the old one comes back."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bed.backend import wait_until
from tests.contracts.provision_beds import RealBed

from aistack_backend.clock import SystemClock
from aistack_backend.containers.backup.world import world
from aistack_backend.containers.certificate.keep import BEFORE, Keep
from aistack_backend.containers.certificate.part import RenewPart
from aistack_backend.containers.certificate.shown import Shown
from aistack_backend.containers.certificate.x509 import of_pem
from aistack_backend.containers.ladder.climber import Climber
from aistack_backend.containers.stack.history import History
from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.models import Manifest, Publish, SecretDecl
from aistack_backend.containers.stack.secrets import certificate
from aistack_backend.containers.stack.source import bundled
from aistack_backend.containers.stack.spec import spec
from aistack_backend.containers.update.swap import Swap
from aistack_backend.engine.tools import Nature
from aistack_backend.errors import BackendError, BadInput, NotFound, Unavailable
from aistack_backend.store.database import Database

pytestmark = [pytest.mark.podman, pytest.mark.timeout(240)]
NGINX = "localhost/aistack-testbed-nginx:latest"
PERSON = "operator:test"


class Front:
    """The stack's own nginx, alone, under names of this test."""

    def __init__(self, folder: Path, bed: RealBed) -> None:
        self.bed, self.secret = bed, bed.name("tls")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        shipped = load([bundled()], {}).services["nginx"]
        uses = tuple(replace(one, source=self.secret) for one in shipped.secrets)
        publish = (Publish(host_ip="127.0.0.1", host_port=port, container_port=8443),)
        self.decl = replace(
            shipped, container=bed.name("nginx"), image=NGINX, publish=publish, secrets=uses, networks=(), needs=()
        )
        made = SecretDecl(name=self.secret, key="tls", generate="certificate")
        self.manifest = Manifest(files=(), project=bed.name("p"), services={"nginx": self.decl}, secrets={"tls": made})
        self.database = Database(f"sqlite:///{folder}/aistack.db")
        self.clock = SystemClock()
        climber = Climber(bed.podman, bed.made, self.clock)
        self.swap = Swap(bed.podman, bed.made, climber, lambda _: None)
        self.read = world(bed.podman, bed.made).carrier.secrets
        self.keep = Keep(bed.podman, bed.made, self.read)
        self.shown = Shown(lambda: self.manifest, bed.podman, self.clock)

    def part(self, make: Callable[[], bytes] = certificate) -> RenewPart:
        history = History(self.database, self.clock)
        return RenewPart(lambda: self.manifest, self.shown, self.keep, self.swap, history, self.clock, make)

    def start(self) -> str:
        """Bring it up; return the serial that it shows."""
        self.bed.made.create_secret(self.secret, certificate(), {})
        image = self.bed.podman.image(NGINX).id
        self.bed.podman.start(self.bed.made.create_service(spec(self.manifest, self.decl, image)))
        wait_until(lambda: bool(self.serial()), 30, "nginx never spoke TLS")
        return self.serial()

    def serial(self) -> str:
        """Return what is shown now, "" while nothing is."""
        try:
            return self.shown.measure(self.decl).serial
        except BackendError:
            return ""

    def kept(self) -> str:
        """Return the serial of the certificate that Podman keeps."""
        return of_pem(self.read([self.secret])[self.secret]).serial

    def left_over(self) -> list[str]:
        """Return containers and secrets beside the one of each that there should be."""
        boxes = [row.name for row in self.bed.podman.list() if row.name.startswith(self.decl.container)]
        secrets = [one.name for one in self.bed.made.secrets() if one.name.startswith(self.secret)]
        return sorted({*boxes, *secrets} - {self.decl.container, self.secret})


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    bed = RealBed()
    made = Front(tmp_path, bed)
    yield made
    bed.close()
    made.database.close()


async def test_a_new_certificate_is_seen_over_tls_before_the_old_one_goes(front: Front) -> None:
    old, part = front.start(), front.part()
    action, evidence = part.prepare("certificate.renew", "", requester=PERSON)
    assert evidence.title == "renew the certificate of nginx"
    assert old[:16] in evidence.effect
    assert (part.nature(action), part.recheck(action)) == (Nature.IDEMPOTENT, "")
    outcome = await part.run("k", action)
    assert outcome.ok, outcome.text
    new = front.serial()
    assert new not in ("", old)
    assert front.kept() == new
    assert front.left_over() == []
    seen = front.shown.now()["nginx"].certificate
    assert seen is not None
    assert (seen.serial, round(seen.left(front.clock.now()))) == (new, 825)
    assert "is not what was approved any more" in part.recheck(action)
    again = await part.run("k", action)  # taken up again after a kill: it was done
    assert (again.ok, front.serial()) == (True, new)


def mismatched() -> bytes:
    """A certificate with the key of another one: nginx refuses to start with it."""
    one, other = certificate(), certificate()
    cut = b"-----BEGIN PRIVATE KEY-----"
    return one.partition(cut)[0] + cut + other.partition(cut)[2]


async def test_one_that_nginx_refuses_is_rolled_back(front: Front) -> None:
    old = front.start()
    part = front.part(mismatched)
    outcome = await part.run("k", part.prepare("certificate.renew", "nginx", requester=PERSON)[0])
    assert not outcome.ok
    assert outcome.text.startswith("The old certificate is back: ")
    wait_until(lambda: front.serial() == old, 30, "the old certificate is not shown again")
    assert front.kept() == old
    assert front.left_over() == []


async def test_one_that_is_ready_and_not_seen_as_wanted_is_rolled_back_too(front: Front) -> None:
    old = front.start()
    box, image = front.bed.podman.inspect(front.decl.container).container.id, front.keep.image_of(front.decl)
    why = await front.swap.run(front.manifest, front.decl, image, None, lambda: "It shows certificate AB, not CD.")
    assert why.startswith("It shows certificate AB, not CD.")
    wait_until(lambda: front.serial() == old, 30, "the old container does not serve again")
    assert front.bed.podman.inspect(front.decl.container).container.id == box
    assert front.left_over() == []


async def test_a_renewal_that_was_cut_off_is_put_back_and_done_whole(front: Front) -> None:
    old, part = front.start(), front.part()
    action = part.prepare("certificate.renew", "nginx", requester=PERSON)[0]
    front.keep.replace(front.manifest, front.manifest.secrets["tls"], certificate(), old)
    front.bed.made.remove_secret(front.secret)  # killed between the two calls
    assert front.left_over() == [front.secret + BEFORE]
    outcome = await part.run("k", action)
    assert outcome.ok, outcome.text
    assert front.serial() == front.kept() != old
    assert front.left_over() == []


async def test_a_secret_that_is_not_what_is_shown_is_left_alone(front: Front) -> None:
    old, part = front.start(), front.part()
    action = part.prepare("certificate.renew", "nginx", requester=PERSON)[0]
    front.bed.made.remove_secret(front.secret)
    theirs = certificate()
    front.bed.made.create_secret(front.secret, theirs, {})
    outcome = await part.run("k", action)
    assert not outcome.ok
    assert "is not the certificate that is shown" in outcome.text
    assert (front.serial(), front.kept()) == (old, of_pem(theirs).serial)
    assert front.left_over() == []


def test_who_may_ask_and_for_what(front: Front, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not run"):
        front.part().prepare("certificate.renew", "nginx", requester=PERSON)
    assert front.shown.look() == {}
    front.start()
    for requester in ("agent:planner", "self-heal", ""):
        with pytest.raises(BadInput, match="only a person renews it"):
            front.part().prepare("certificate.renew", "nginx", requester=requester)
    with pytest.raises(NotFound, match="postgres") as caught:
        front.part().prepare("certificate.renew", "postgres", requester=PERSON)
    assert caught.value.hint == "Those that do: nginx."
    front.bed.podman.kill(front.bed.podman.inspect(front.decl.container).container.id)
    wait_until(lambda: front.shown.look() == {}, 30, "a dead nginx still shows a certificate")


def test_the_last_days_are_open_to_self_heal(front: Front, tmp_path: Path) -> None:
    def short() -> bytes:
        key, cert = tmp_path / "k.pem", tmp_path / "c.pem"
        words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 20 -subj /CN=localhost"
        files = ["-keyout", str(key), "-out", str(cert)]
        subprocess.run(["openssl", *words.split(), *files], check=True, capture_output=True)
        return cert.read_bytes() + key.read_bytes()

    front.bed.made.create_secret(front.secret, short(), {})
    image = front.bed.podman.image(NGINX).id
    front.bed.podman.start(front.bed.made.create_service(spec(front.manifest, front.decl, image)))
    wait_until(lambda: bool(front.serial()), 30, "nginx never spoke TLS")
    action, _ = front.part().prepare("certificate.renew", "", requester="self-heal")
    assert action.targets[0].pin.startswith(f"serial={front.serial()} want=")
