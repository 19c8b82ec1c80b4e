"""Whatever happens between approval and removal, nothing outside the approved list is ever removed."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backend.containers.worlds import Stage

from aistack_backend.approvals.action import Action, parse
from aistack_backend.containers.provision_memory import MemoryProvisioner
from aistack_backend.containers.prune.models import Claims
from aistack_backend.containers.prune.part import RemovalPart
from aistack_backend.containers.prune.stocks import Images, Networks, Volumes

NAMES = ("a", "b", "c", "d", "e")
CHANGES = ("nothing", "used", "anew", "named", "gone")


class Recorded:
    """A world that notes the id of each object that it is told to remove."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.podman, self.world = self.stage.podman, self.stage.world
        self.made = MemoryProvisioner(self.podman)
        self.images, self.networks = Images(self.podman, self.made, Claims), Networks(self.podman, self.made, Claims)
        self.part = RemovalPart((self.images, Volumes(self.podman, Claims), self.networks), lambda _: {})
        self.ids: dict[str, str] = {}
        for name in NAMES:
            self.world.add_volume(name)
            self.made.create_network(name, {})
            image = self.world.add_image(f"localhost/{name}:1")
            self.made.untag(image.id, f"localhost/{name}:1")
            self.ids[name] = image.id

    def refs(self, kind: str, names: frozenset[str]) -> str:
        """Return what a person would name."""
        return " ".join(self.ids[name] if kind == "image" else name for name in sorted(names))

    def change(self, kind: str, name: str, how: str) -> None:
        """Let something happen to one object before it is removed."""
        if how == "used":
            self.world.add(f"box-{name}", volumes={name: "/d"}, networks=(name,), image_id=self.ids[name])
        elif how == "named" and kind == "image":
            self.made.tag(self.ids[name], f"localhost/kept-{name}:1")
        elif how in ("anew", "gone"):
            self._renew(kind, name, again=how == "anew")

    def _renew(self, kind: str, name: str, *, again: bool) -> None:
        if kind == "volume":
            self.podman.remove_volume(name)
            if again:
                self.world.add_volume(name)
        elif kind == "network":
            self.made.remove_network(name)
            if again:
                self.made.create_network(name, {})

    def there(self) -> dict[str, set[str]]:
        """Return what exists, so that a volume or network made anew is another one."""
        return {
            "image": {f"{one.id} {sorted(one.tags)}" for one in self.podman.images()},
            "volume": {f"{one.name} {one.created}" for one in self.podman.volumes()},
            "network": {one.id for one in self.made.networks()},
        }

    def pinned(self, action: Action) -> set[str]:
        """Return the approved objects in the words of ``there``."""
        out = set()
        for one in action.targets:
            created = one.pin.partition("created=")[2].rpartition(" driver=")[0]
            out.add({"image": f"{one.id} []", "volume": f"{one.id} {created}"}.get(one.type, one.id))
        return out


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(("image", "volume", "network")),
    chosen=st.frozensets(st.sampled_from(NAMES), min_size=1),
    changes=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(CHANGES)),
)
def test_only_what_was_approved_and_is_still_the_same_goes(
    kind: str, chosen: frozenset[str], changes: dict[str, str]
) -> None:
    world = Recorded()
    try:
        made, _ = world.part.prepare(f"{kind}.remove", world.refs(kind, chosen))
        action = parse(made.canonical())  # what the engine hands over is the stored record, nothing else
        for name, how in changes.items():
            world.change(kind, name, how)
        before = world.there()
        outcome = asyncio.run(world.part.run("7:1:a7:1", action))
        after = world.there()
        gone = {key: before[key] - after[key] for key in before}
        assert gone[kind] <= world.pinned(action), outcome.text
        assert not any(gone[key] for key in gone if key != kind)
        for name in chosen:
            if changes.get(name) == "used":
                assert f"used by box-{name}" in outcome.text
        assert outcome.ok or gone[kind] == set() or "Left" in outcome.text
    finally:
        world.stage.close()


@pytest.mark.parametrize("kind", ["image.remove", "volume.remove", "network.remove"])
def test_a_record_without_a_list_removes_nothing(kind: str) -> None:
    world = Recorded()
    try:
        before = world.there()
        empty = Action(kind=kind, argv=("podman", "volume", "rm", "a"))
        assert world.part.recheck(empty)
        asyncio.run(world.part.run("7:1:a7:1", empty))
        assert world.there() == before
    finally:
        world.stage.close()
