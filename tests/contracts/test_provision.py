"""The contract of ``containers.provision.Provisioner``, kept by every adapter."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.podman_beds import PROBE
from tests.contracts.provision_beds import BEDS, Bed, wish

from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.stack.models import MountDecl, SecretUse
from aistack_backend.errors import BadInput, NotFound
from aistack_backend.wire.containers import ContainerState

NEW = (ContainerState.CREATED, ContainerState.CONFIGURED)


@pytest.fixture(params=["memory", pytest.param("podman", marks=pytest.mark.podman)])
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    made = BEDS[request.param]()
    try:
        yield made
    finally:
        made.close()


def packed(files: dict[str, bytes]) -> bytes:
    """A tar of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpacked(tar: bytes) -> dict[str, bytes]:
    """The files of a tar."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as found:
        read = {one.name: found.extractfile(one) for one in found if one.isfile()}
        return {name: file.read() for name, file in read.items() if file}


def test_host(bed: Bed) -> None:
    info = bed.made.info()
    assert info.version
    assert info.memory_total > 1 << 28
    assert info.cpus >= 1
    assert info.graph_root.startswith("/")


def test_networks(bed: Bed) -> None:
    name = bed.name("net")
    bed.made.create_network(name, {"a": "b"})
    bed.made.create_network(name, {"a": "b"})
    found = [one for one in bed.made.networks() if one.name == name]
    assert [(one.labels, one.internal) for one in found] == [({"a": "b"}, False)]
    ident = bed.made.create_service(wish(bed, "in", networks=((name, ("alias",)),)))
    assert bed.podman.list([ident])[0].networks == (name,)
    with pytest.raises(PodmanSays):
        bed.made.remove_network(name)
    bed.podman.remove(ident)
    bed.made.remove_network(name)
    bed.made.remove_network(name)
    assert name not in {one.name for one in bed.made.networks()}


def test_an_internal_network(bed: Bed) -> None:
    bed.made.create_network(bed.name("inner"), {}, internal=True)
    assert next(one for one in bed.made.networks() if one.name == bed.name("inner")).internal


def test_secrets(bed: Bed) -> None:
    name = bed.name("secret")
    bed.made.create_secret(name, b"s3cr3t-value", {"a": "b"})
    found = next(one for one in bed.made.secrets() if one.name == name)
    assert "s3cr3t" not in repr(found)
    with pytest.raises(PodmanSays) as refused:
        bed.made.create_secret(name, b"another", {})
    assert "another" not in refused.value.detail
    bed.made.remove_secret(name)
    bed.made.remove_secret(name)
    assert name not in {one.name for one in bed.made.secrets()}


def test_volumes(bed: Bed) -> None:
    name = bed.name("vol")
    first = bed.made.create_volume(name, {"a": "b"})
    again = bed.made.create_volume(name, {"c": "d"})
    assert first.name == again.name == name
    assert first.created == again.created
    assert again.labels == {"a": "b"}


def test_a_service_is_made_and_not_started(bed: Bed) -> None:
    bed.made.create_volume(bed.name("data"), {})
    mounts = (MountDecl(type="volume", source=bed.name("data"), target="/data"),)
    ident = bed.made.create_service(wish(bed, "a", mounts=mounts, labels={"x": "1"}))
    row = bed.podman.list([ident])[0]
    assert len(ident) == 64
    assert (row.id, row.name, row.labels["x"]) == (ident, bed.name("a"), "1")
    assert row.state in NEW
    assert row.image_id == bed.podman.image(PROBE).id
    assert [mount.name for mount in bed.podman.inspect(ident).mounts] == [bed.name("data")]
    bed.podman.start(ident)
    assert bed.podman.list([ident])[0].state is ContainerState.RUNNING
    bed.podman.stop(ident, 1)
    bed.podman.remove(ident)
    assert bed.name("data") in {one.name for one in bed.podman.volumes()}


def test_what_a_service_cannot_be_made_of(bed: Bed) -> None:
    bed.made.create_service(wish(bed, "a"))
    with pytest.raises(PodmanSays, match="in use"):
        bed.made.create_service(wish(bed, "a"))
    with pytest.raises(NotFound):
        bed.made.create_service(wish(bed, "b", image="f" * 64))
    lost = (SecretUse(source=bed.name("lost"), target="/run/secrets/lost"),)
    with pytest.raises((PodmanSays, NotFound), match="secret"):
        bed.made.create_service(wish(bed, "b", secrets=lost))
    assert bed.name("b") not in {one.name for one in bed.podman.list()}


HOME = str(Path.home())
FORBIDDEN: list[dict[str, Any]] = [
    *(
        {"mounts": (MountDecl(type="bind", source=source, target="/x", read_only=True),)}
        for source in (
            *("/", "/etc", "/etc/shadow", "/proc", "/dev", "/sys", "/run/podman", "/run/podman/podman.sock", HOME),
            *("/var/run/docker.sock", "/tmp/../etc", "/home/somebody"),
        )
    ),
    *({"cap_add": (name,)} for name in ("SYS_ADMIN", "CAP_SYS_ADMIN", "all", "NET_ADMIN", "SYS_PTRACE")),
]


@pytest.mark.parametrize("fields", FORBIDDEN, ids=str)
def test_what_no_container_gets(bed: Bed, fields: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        bed.made.create_service(wish(bed, "bad", **fields))
    assert bed.name("bad") not in {one.name for one in bed.podman.list()}


def test_a_link_to_what_no_container_gets(bed: Bed, tmp_path: Path) -> None:
    (tmp_path / "innocent").symlink_to("/etc")
    mounts = (MountDecl(type="bind", source=str(tmp_path / "innocent"), target="/x"),)
    with pytest.raises(BadInput, match="/etc"):
        bed.made.create_service(wish(bed, "bad", mounts=mounts))


def test_rename(bed: Bed) -> None:
    first, second = (bed.made.create_service(wish(bed, name)) for name in "ab")
    with pytest.raises(PodmanSays, match="in use"):
        bed.made.rename(first, bed.name("b"))
    bed.made.rename(first, bed.name("c"))
    names = {row.id: row.name for row in bed.podman.list([first, second])}
    assert names == {first: bed.name("c"), second: bed.name("b")}
    with pytest.raises(NotFound):
        bed.made.rename("f" * 64, bed.name("d"))


def test_build_tag_and_remove(bed: Bed, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text(f"FROM {PROBE}\nARG WORD=none\nLABEL word=$WORD\nCOPY note /note\n")
    (tmp_path / "note").write_text(bed.name("note"))
    told: list[str] = []
    tag, other = f"localhost/{bed.name('built')}:1", f"localhost/{bed.name('built')}:2"
    image = bed.made.build(str(tmp_path), str(tmp_path / "Containerfile"), tag, {"WORD": "x"}, told.append)
    assert told
    assert tag in image.tags
    bed.made.tag(image.id, other)
    assert bed.podman.image(other).id == image.id
    ident = bed.made.create_service(wish(bed, "a", image=image.id))
    bed.made.remove_image(other)
    with pytest.raises(NotFound):
        bed.podman.image(other)
    with pytest.raises(PodmanSays):
        bed.made.remove_image(tag)
    bed.podman.remove(ident)
    bed.made.remove_image(tag)
    with pytest.raises(NotFound):
        bed.podman.image(tag)
    with pytest.raises(NotFound):
        bed.made.tag("f" * 64, tag)


def image_of(bed: Bed, folder: Path, *names: str) -> tuple[str, tuple[str, ...]]:
    """An image of this test alone, with these tags."""
    (folder / "Containerfile").write_text(f"FROM {PROBE}\nCOPY note /note\n")
    (folder / "note").write_text(bed.name(f"note{names}"))
    tags = tuple(f"localhost/{bed.name('own')}:{name}" for name in names)
    made = bed.made.build(str(folder), str(folder / "Containerfile"), tags[0], {}, lambda _: None)
    for tag in tags[1:]:
        bed.made.tag(made.id, tag)
    return made.id, tags


def test_an_image_is_deleted_by_its_id_alone(bed: Bed, tmp_path: Path) -> None:
    ident, tags = image_of(bed, tmp_path, "1", "2")
    with pytest.raises(PodmanSays):
        bed.made.delete_image(ident)
    with pytest.raises(PodmanSays):
        bed.made.untag(ident, f"localhost/{bed.name('another')}:1")
    bed.made.untag(ident, tags[1])
    assert bed.podman.image(ident).tags == (tags[0],)
    box = bed.made.create_service(wish(bed, "a", image=ident))
    with pytest.raises(PodmanSays):
        bed.made.delete_image(ident)
    assert bed.podman.image(ident).tags == (tags[0],)
    bed.podman.remove(box)
    bed.made.delete_image(ident)
    with pytest.raises(NotFound):
        bed.podman.image(ident)
    with pytest.raises(NotFound):
        bed.made.delete_image(ident)


def test_a_name_that_moved_is_not_taken_from_its_new_image(bed: Bed, tmp_path: Path) -> None:
    ident, tags = image_of(bed, tmp_path, "1", "2")
    bed.made.tag(bed.podman.image(PROBE).id, tags[1])
    with pytest.raises(PodmanSays):
        bed.made.untag(ident, tags[1])
    assert tags[1] in bed.podman.image(PROBE).tags
    bed.made.untag(bed.podman.image(PROBE).id, tags[1])
    bed.made.delete_image(ident)


def test_a_network_is_removed_by_its_id(bed: Bed) -> None:
    bed.made.create_network(bed.name("net"), {})
    first = next(one for one in bed.made.networks() if one.name == bed.name("net"))
    bed.made.remove_network(first.id)
    assert bed.name("net") not in {one.name for one in bed.made.networks()}
    bed.made.remove_network(first.id)
    bed.made.create_network(bed.name("net"), {})
    again = next(one for one in bed.made.networks() if one.name == bed.name("net"))
    assert again.id != first.id


def test_a_pull_that_cannot_work(bed: Bed) -> None:
    with pytest.raises(PodmanSays, match="could not pull localhost:1/nothing:1"):
        bed.made.pull("localhost:1/nothing:1", lambda _: None)


def test_files(bed: Bed) -> None:
    ident = bed.made.create_service(wish(bed, "a"))
    bed.made.write_files(ident, "/tmp", [packed({"one.txt": b"1", "two.txt": b"22"})])
    assert unpacked(b"".join(bed.made.read_files(ident, "/tmp/one.txt"))) == {"one.txt": b"1"}
    assert set(unpacked(b"".join(bed.made.read_files(ident, "/tmp")))) >= {"tmp/one.txt", "tmp/two.txt"}
    with pytest.raises((NotFound, PodmanSays)):
        b"".join(bed.made.read_files(ident, "/no/such/thing"))
    with pytest.raises(NotFound):
        b"".join(bed.made.read_files("f" * 64, "/tmp"))
