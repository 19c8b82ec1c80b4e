"""Removal of an exact list: what may be listed, what is bound, and what is left because it changed since."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.backend.containers.worlds import Stage

from aistack_backend.approvals.risk import judge
from aistack_backend.approvals.row import name_of
from aistack_backend.containers.parse import MANAGED
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.prune.claims import claims
from aistack_backend.containers.prune.models import Claims, Stock
from aistack_backend.containers.prune.part import MOST, RemovalPart
from aistack_backend.containers.prune.stocks import Images, Networks, Volumes
from aistack_backend.containers.prune.storage import storage
from aistack_backend.containers.stack.history import GoodService, GoodSet
from aistack_backend.containers.stack.models import Manifest, NetworkDecl, ServiceDecl, VolumeDecl
from aistack_backend.engine.tools import Fate, Nature
from aistack_backend.errors import BackendError, BadInput, NotFound, Unavailable
from aistack_backend.wire.actions import Risk
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.storage import Stored

LABEL = {MANAGED: "true"}
NOBODY = "ab" * 32


class Yard:
    """A world in memory with the three stocks over it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.world, self.podman = stage.world, stage.podman
        self.made = MemoryProvisioner(stage.podman)
        self.claims = Claims()
        self.stocks: tuple[Stock, ...] = (
            Images(self.podman, self.made, lambda: self.claims),
            Volumes(self.podman, lambda: self.claims),
            Networks(self.podman, self.made, lambda: self.claims),
        )
        self.part = RemovalPart(self.stocks, self.podman.volume_sizes)

    def unnamed(self, content: bytes) -> str:
        """An image without a name."""
        made = self.world.add_image("localhost/gone:1", content)
        self.made.untag(made.id, "localhost/gone:1")
        return made.id

    def stored(self) -> dict[str, Stored]:
        """What the screen is told, by name."""
        source = Source(name="podman", state=SourceState.OK, since=0.0)
        return {one.name: one for one in storage(self.podman, self.stocks, source, 1.0).stored}


@pytest.fixture
def yard() -> Iterator[Yard]:
    stage = Stage()
    yield Yard(stage)
    stage.close()


def test_the_default_prune_is_what_nobody_would_miss(yard: Yard) -> None:
    yard.world.add_volume("used")
    yard.world.add("web", volumes={"used": "/d"})
    yard.world.add_volume(NOBODY, size=7)
    yard.world.add_volume("named")
    yard.world.add_volume("ours", labels=LABEL)
    yard.made.create_network("idle", {})
    yard.made.create_network("declared", {})
    yard.made.create_network("podman", {})
    nameless = yard.unnamed(b"x")
    yard.world.add_image("localhost/declared:1")
    yard.world.add_image("localhost/other:1")
    rolled = yard.unnamed(b"y")
    decl = ServiceDecl(id="web", container="c", image="localhost/declared:1")
    stack = Manifest(
        files=(), project="p", services={"web": decl},
        volumes={"n": VolumeDecl(name="named")}, networks={"d": NetworkDecl(name="declared")},
    )  # fmt: skip
    good = GoodSet(at=1.0, files={}, services={"web": GoodService(image="x:1", image_id=rolled, config="")})
    yard.claims = claims(stack, good)
    found = yard.stored()
    assert {name for name, one in found.items() if one.prunable} == {nameless[:12], NOBODY, "idle"}
    told = {name for name, one in found.items() if one.claimed}
    assert told == {"named", "ours", "declared", "localhost/declared:1", rolled[:12]}
    assert found[rolled[:12]].why == "a rollback of web needs it"
    assert (found["podman"].fixed, found["podman"].prunable) == (True, False)
    assert (found["used"].why, found["used"].used_by) == ("", ("web",))
    assert found[NOBODY].size == 7
    assert claims(None, None, ("localhost/box:1",)) == Claims(refs={"localhost/box:1": "shell commands run in it"})


@pytest.mark.parametrize(
    ("kind", "target", "error", "words"),
    [
        ("volume.remove", "", BadInput, "No volume is named"),
        ("volume.remove", "nothing", NotFound, "no volume"),
        ("volume.remove", "used", BadInput, "used by web"),
        ("volume.remove", "free used", BadInput, "used by web"),
        ("image.remove", "", BadInput, "No image is named"),
        ("image.remove", "abcd", NotFound, "no image"),
        ("image.remove", "localhost/web:1", BadInput, "used by web"),
        ("network.remove", "podman", BadInput, "Podman's own"),
        ("network.remove", "lost", NotFound, "no network"),
        ("volume.remove", " ".join(["free"] * (MOST + 1)), BadInput, "too many"),
    ],
)
def test_what_cannot_be_asked(yard: Yard, kind: str, target: str, error: type[BackendError], words: str) -> None:
    image = yard.world.add_image("localhost/web:1")
    yard.world.add_volume("used")
    yard.world.add("web", image_id=image.id, volumes={"used": "/d"})
    yard.world.add_volume("free")
    yard.made.create_network("podman", {})
    with pytest.raises(error, match=words) as caught:
        yard.part.prepare(kind, target)
    assert caught.value.detail.endswith(".")


def test_the_beginning_of_an_id_must_be_one(yard: Yard) -> None:
    first, second = yard.unnamed(b"1"), yard.unnamed(b"2")
    assert yard.part.prepare("image.remove", first[:12])[0].targets[0].id == first
    with pytest.raises(NotFound):
        yard.part.prepare("image.remove", first[:3])
    assert [one.id for one in yard.part.prepare("image.remove", f"{first} {second} {first[:9]}")[0].targets] == [
        first,
        second,
    ]


def test_podman_is_away(yard: Yard) -> None:
    yard.world.go_down(SourceState.HANGING)
    for kind in yard.part.kinds:
        with pytest.raises(Unavailable):
            yard.part.prepare(kind, "web")


def test_the_record_names_each_and_its_risk(yard: Yard) -> None:
    yard.world.add_volume("data", size=1_234_567, labels=LABEL)
    action, evidence = yard.part.prepare("volume.remove", "data")
    assert action.argv == ("podman", "volume", "rm", "data")
    assert "1.2 MB" in evidence.effect
    assert (evidence.undo, evidence.managed) == ("none", True)
    assert judge(action, managed=True).risk is Risk.DESTRUCTIVE
    yard.world.add_volume(NOBODY)
    both, evidence = yard.part.prepare("volume.remove", f"data {NOBODY}")
    assert name_of(Risk.DESTRUCTIVE, both) == f"data {NOBODY}"
    assert not evidence.managed
    assert evidence.title == "remove 2 volumes"
    image = yard.part.prepare("image.remove", yard.unnamed(b"x"))[0]
    assert (judge(image, managed=True).risk, image.argv[:3]) == (Risk.HIGH, ("podman", "rmi", "--no-prune"))
    yard.made.create_network("net", LABEL)
    network = yard.part.prepare("network.remove", "net")[0]
    assert judge(network, managed=True).risk is Risk.MEDIUM


async def test_all_of_a_list_go_and_nothing_else(yard: Yard) -> None:
    gone, stays = [yard.unnamed(bytes([number])) for number in range(3)], yard.unnamed(b"z")
    action = yard.part.prepare("image.remove", " ".join(gone))[0]
    assert (yard.part.nature(action), yard.part.recheck(action)) == (Nature.IDEMPOTENT, "")
    assert yard.part.probe("k", action)[0] is Fate.NOT_DONE
    outcome = await yard.part.run("k", action)
    assert (outcome.ok, outcome.text) == (True, "3 of 3 images are removed.")
    assert stays in {one.id for one in yard.podman.images()}
    assert not set(gone) & {one.id for one in yard.podman.images()}
    assert yard.part.probe("k", action)[0] is Fate.DONE
    assert (await yard.part.run("k", action)).ok


async def test_what_changed_since_is_left_and_told(yard: Yard) -> None:
    for name in ("used", "anew", "fine"):
        yard.world.add_volume(name)
    action = yard.part.prepare("volume.remove", "used anew fine")[0]
    yard.world.add("web", volumes={"used": "/d"}, running=False)
    yard.podman.remove_volume("anew")
    yard.world.add_volume("anew")
    assert yard.part.recheck(action) == ""
    outcome = await yard.part.run("k", action)
    assert outcome.ok
    assert outcome.text.splitlines() == [
        "1 of 3 volumes are removed.",
        "Left: Volume used is used by web.",
        "Left: Volume anew was made anew since this was approved.",
    ]
    assert {one.name for one in yard.podman.volumes()} == {"used", "anew"}


@pytest.mark.parametrize("change", ["used", "made anew"])
async def test_a_changed_volume_is_left_alone(yard: Yard, change: str) -> None:
    yard.world.add_volume("data")
    action = yard.part.prepare("volume.remove", "data")[0]
    if change == "used":
        yard.world.add("web", volumes={"data": "/d"}, running=False)
    else:
        yard.podman.remove_volume("data")
        yard.world.add_volume("data")
    assert yard.part.recheck(action)
    outcome = await yard.part.run("k", action)
    assert (outcome.ok, outcome.text[:17]) == (False, "Nothing was done:")
    assert [one.name for one in yard.podman.volumes()] == ["data"]


async def test_an_image_that_got_a_name_or_a_container_is_left(yard: Yard) -> None:
    named, used = yard.unnamed(b"1"), yard.unnamed(b"2")
    action = yard.part.prepare("image.remove", f"{named} {used}")[0]
    yard.made.tag(named, "localhost/kept:1")
    yard.world.add("web", image_id=used)
    assert yard.part.recheck(action)
    outcome = await yard.part.run("k", action)
    assert not outcome.ok
    assert "has other names than when this was approved" in outcome.text
    assert "is used by web" in outcome.text
    assert {named, used} <= {one.id for one in yard.podman.images()}


async def test_names_come_back_when_an_image_could_not_go(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    image = yard.world.add_image("localhost/a:1")
    yard.made.tag(image.id, "localhost/b:1")
    action = yard.part.prepare("image.remove", "localhost/a:1")[0]
    real = yard.made.untag

    def untag_and_use(ident: str, ref: str) -> None:
        real(ident, ref)
        yard.world.add("late", image_id=ident)

    monkeypatch.setattr(yard.made, "untag", untag_and_use)
    outcome = await yard.part.run("k", action)
    assert not outcome.ok
    assert set(yard.podman.image(image.id).tags) == {"localhost/a:1", "localhost/b:1"}


async def test_a_network_of_the_same_name_is_another_one(yard: Yard) -> None:
    yard.made.create_network("net", {})
    action = yard.part.prepare("network.remove", "net")[0]
    yard.made.remove_network("net")
    yard.made.create_network("net", {})
    assert yard.part.recheck(action)
    assert (await yard.part.run("k", action)).ok  # the one that was approved is gone
    assert [one.name for one in yard.made.networks()] == ["net"]


async def test_podman_away_in_between(yard: Yard) -> None:
    yard.world.add_volume("data")
    action = yard.part.prepare("volume.remove", "data")[0]
    yard.world.go_down()
    assert yard.part.recheck(action)
    assert yard.part.probe("k", action) == (Fate.UNKNOWN, None)
    assert not (await yard.part.run("k", action)).ok
