"""Removal of an exact list on a real Podman: unnamed parents, shared layers, names that moved, volumes in use."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.podman_beds import PROBE
from tests.contracts.provision_beds import RealBed, wish

from aistack_backend.containers.prune.models import Claims
from aistack_backend.containers.prune.part import RemovalPart
from aistack_backend.containers.prune.stocks import Images, Networks, Volumes
from aistack_backend.containers.prune.storage import storage
from aistack_backend.containers.stack.models import MountDecl
from aistack_backend.wire.sources import Source, SourceState

pytestmark = pytest.mark.podman


@pytest.fixture
def bed() -> Iterator[RealBed]:
    made = RealBed()
    yield made
    made.close()


@pytest.fixture
def part(bed: RealBed) -> RemovalPart:
    return RemovalPart(stocks(bed), bed.podman.volume_sizes)


def stocks(bed: RealBed) -> tuple[Images, Volumes, Networks]:
    return Images(bed.podman, bed.made, Claims), Volumes(bed.podman, Claims), Networks(bed.podman, bed.made, Claims)


def layered(folder: Path, tag: str, base: str, *notes: str) -> str:
    """Build an image in which every step is an image of its own, as Podman's own builds are."""
    lines = "".join(f"RUN echo {note} >/{note}\n" for note in notes)
    (folder / "Containerfile").write_text(f"FROM {base}\n{lines}")
    words = ["podman", "build", "--layers", "--quiet", "--tag", tag, str(folder)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def forget(images: set[str]) -> None:
    subprocess.run(["podman", "rmi", *images], check=False, capture_output=True)


def all_images() -> set[str]:
    words = ["podman", "images", "--all", "--quiet", "--no-trunc"]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return {one.removeprefix("sha256:") for one in told}


async def test_the_unnamed_parents_of_an_image_stay(bed: RealBed, part: RemovalPart, tmp_path: Path) -> None:
    before = all_images()
    tag = f"localhost/{bed.name('top')}:1"
    top = layered(tmp_path, tag, PROBE, bed.name("one"), bed.name("two"))
    parents = all_images() - before - {top}
    assert parents, "this build made no parents: the test shows nothing"
    try:
        bed.made.tag(top, f"localhost/{bed.name('top')}:2")
        action = part.prepare("image.remove", top)[0]
        outcome = await part.run("k", action)
        assert outcome.ok, outcome.text
        left = all_images()
        assert top not in left
        assert parents <= left
    finally:
        await asyncio.to_thread(forget, parents)


async def test_an_image_that_others_are_made_of_leaves_them_whole(
    bed: RealBed, part: RemovalPart, tmp_path: Path
) -> None:
    low, high = f"localhost/{bed.name('low')}:1", f"localhost/{bed.name('high')}:1"
    layered(tmp_path, low, PROBE, bed.name("low"))
    layered(tmp_path, high, low, bed.name("high"))
    outcome = await part.run("k", part.prepare("image.remove", low)[0])
    assert outcome.ok, outcome.text
    box = bed.made.create_service(wish(bed, "of-high", image=bed.podman.image(high).id))
    bed.podman.start(box)
    assert bed.podman.exec(box, ["cat", f"/{bed.name('low')}"], 20).out.decode().strip() == bed.name("low")


async def test_used_since_is_left_and_the_rest_goes(bed: RealBed, part: RemovalPart) -> None:
    for name in ("free", "late"):
        bed.made.create_volume(bed.name(name), {})
        bed.made.create_network(bed.name(name), {})
    volumes = part.prepare("volume.remove", f"{bed.name('free')} {bed.name('late')}")[0]
    networks = part.prepare("network.remove", f"{bed.name('free')} {bed.name('late')}")[0]
    mounts = (MountDecl(type="volume", source=bed.name("late"), target="/data"),)
    bed.made.create_service(wish(bed, "user", mounts=mounts, networks=((bed.name("late"), ("x",)),)))
    for action in (volumes, networks):
        outcome = await part.run("k", action)
        assert outcome.ok
        assert f"{bed.name('late')} is used by {bed.name('user')}." in outcome.text
    assert {one.name for one in bed.podman.volumes() if one.name.startswith(bed.name(""))} == {bed.name("late")}
    assert {one.name for one in bed.made.networks() if one.name.startswith(bed.name(""))} == {bed.name("late")}


async def test_podmans_own_refusal_is_told(bed: RealBed, part: RemovalPart, tmp_path: Path) -> None:
    tag = f"localhost/{bed.name('own')}:1"
    ident = layered(tmp_path, tag, PROBE, bed.name("own"))
    images = stocks(bed)[0]
    item = images.one(ident)
    box = bed.made.create_service(wish(bed, "late", image=ident))
    with pytest.raises(Exception, match="in use"):
        images.remove(item)
    assert bed.podman.image(ident).tags == (tag,)
    bed.podman.remove(box)
    assert (await part.run("k", part.prepare("image.remove", tag)[0])).ok


def test_the_list_is_what_podman_has(bed: RealBed) -> None:
    bed.made.create_network(bed.name("idle"), {})
    anonymous = subprocess.run(
        ["podman", "volume", "create"], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        source = Source(name="podman", state=SourceState.OK, since=0.0)
        found = {one.name: one for one in storage(bed.podman, stocks(bed), source, 1.0).stored}
        assert found[bed.name("idle")].prunable
        assert (found[anonymous].prunable, found[anonymous].size) == (True, 0)
        assert found["podman"].fixed
        assert not found[PROBE].prunable
        assert found[PROBE].created_at
    finally:
        subprocess.run(["podman", "volume", "rm", anonymous], check=False, capture_output=True)
