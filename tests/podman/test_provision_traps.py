"""What ``facts/podman.md`` warns of where services are made, on a real Podman."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bed.backend import wait_until
from tests.bed.boxes import podman
from tests.contracts.podman_beds import PROBE
from tests.contracts.provision_beds import RealBed, wish

from aistack_backend.containers import portholders
from aistack_backend.containers.failures import PodmanSays
from aistack_backend.containers.provision import ServiceSpec
from aistack_backend.containers.stack.models import HealthDecl, MountDecl, Publish, SecretUse
from aistack_backend.errors import BackendError
from aistack_backend.wire.containers import Health

pytestmark = pytest.mark.podman
MIB = 1 << 20


@pytest.fixture
def bed() -> Iterator[RealBed]:
    made = RealBed()
    yield made
    made.close()


def run(bed: RealBed, spec: ServiceSpec) -> str:
    """Make and start it."""
    ident = bed.made.create_service(spec)
    bed.podman.start(ident)
    return ident


def inside(bed: RealBed, ident: str, *command: str) -> str:
    """What a command says in there."""
    done = bed.podman.exec(ident, command, 20)
    return (done.out + done.err).decode().strip()


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_secret_can_be_read_by_a_user_that_is_not_root(bed: RealBed) -> None:
    bed.made.create_secret(bed.name("key"), b"value-of-it", {})
    uses = (SecretUse(source=bed.name("key"), target="/run/secrets/key"),)
    ident = run(bed, wish(bed, "a", user="65534:65534", secrets=uses))
    assert inside(bed, ident, "cat", "/run/secrets/key") == "value-of-it"
    document = bed.document(ident)
    assert "value-of-it" not in json.dumps(document)


def test_names_resolve_only_where_a_service_is(bed: RealBed) -> None:
    for net in ("one", "two"):
        bed.made.create_network(bed.name(net), {})
    run(bed, wish(bed, "server", networks=((bed.name("one"), ("db", "local-db")),)))
    near = run(bed, wish(bed, "near", networks=((bed.name("one"), ()),)))
    far = run(bed, wish(bed, "far", networks=((bed.name("two"), ()),)))
    both = run(bed, wish(bed, "both", networks=((bed.name("one"), ()), (bed.name("two"), ()))))
    for alias in ("db", "local-db", bed.name("server")):
        assert inside(bed, near, "ping", "-c1", "-W1", alias).startswith(f"PING {alias} (10.")
    assert "bad address" in inside(bed, far, "ping", "-c1", "-W1", "db")
    assert inside(bed, both, "ping", "-c1", "-W1", "db").startswith("PING db (10.")


def test_limits_are_the_kernels(bed: RealBed) -> None:
    spec = wish(bed, "a", memory_limit=64 * MIB, memory_reserve=32 * MIB, cpus=0.25, pids_limit=50, init=True)
    limits = bed.document(run(bed, spec))["HostConfig"]
    assert (limits["Memory"], limits["MemorySwap"], limits["MemoryReservation"]) == (64 * MIB, 64 * MIB, 32 * MIB)
    assert (limits["CpuQuota"], limits["CpuPeriod"], limits["PidsLimit"]) == (25_000, 100_000, 50)
    assert limits["Init"]
    assert not limits["Privileged"]


def test_rights_are_taken_away(bed: RealBed) -> None:
    spec = wish(bed, "a", cap_drop=("ALL",), cap_add=("NET_BIND_SERVICE",), no_new_privileges=True, read_only=True)
    ident = run(bed, spec)
    status = inside(bed, ident, "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000400" in status
    assert "NoNewPrivs:\t1" in status
    assert "Read-only" in inside(bed, ident, "touch", "/x")


def test_mounts(bed: RealBed, tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("from the host")
    bed.made.create_volume(bed.name("vol"), {})
    mounts = (
        MountDecl(type="bind", source=str(tmp_path / "conf"), target="/conf", read_only=True),
        MountDecl(type="volume", source=bed.name("vol"), target="/data"),
        MountDecl(type="tmpfs", target="/scratch", size=MIB),
    )
    ident = run(bed, wish(bed, "a", mounts=mounts, extra_hosts=(("outside", "10.9.8.7"),), hostname="seven"))
    assert inside(bed, ident, "cat", "/conf") == "from the host"
    assert "Read-only" in inside(bed, ident, "sh", "-c", "echo x > /conf")
    inside(bed, ident, "sh", "-c", "head -c 2000000 /dev/zero > /scratch/x")
    assert inside(bed, ident, "stat", "-c", "%s", "/scratch/x") == str(MIB)
    assert "10.9.8.7" in inside(bed, ident, "cat", "/etc/hosts")
    assert inside(bed, ident, "hostname") == "seven"
    inside(bed, ident, "sh", "-c", "echo kept > /data/x")
    bed.podman.stop(ident, 1)
    bed.podman.remove(ident)
    again = run(bed, wish(bed, "b", mounts=mounts))
    assert inside(bed, again, "cat", "/data/x") == "kept"


def test_nobody_runs_a_health_command_but_us(bed: RealBed) -> None:
    health = HealthDecl(command=("test", "-e", "/good"), interval=1, timeout=2, retries=1)
    ident = run(bed, wish(bed, "a", health=health))
    assert bed.document(ident)["Config"]["Healthcheck"].get("Interval", 0) == 0
    assert bed.podman.list([ident])[0].health is Health.STARTING
    assert bed.podman.healthcheck(ident, 10) is Health.UNHEALTHY
    inside(bed, ident, "touch", "/good")
    assert bed.podman.healthcheck(ident, 10) is Health.HEALTHY


def test_ports_that_are_listened_on_are_seen_without_traffic(bed: RealBed) -> None:
    bed.made.create_network(bed.name("net"), {})
    port = free_port()
    script = "trap 'exit 0' TERM; while [ ! -e /go ]; do sleep 0.1; done; httpd -p 8000; sleep 3600 & wait $!"
    spec = wish(
        bed,
        "a",
        command=("sh", "-c", script),
        networks=((bed.name("net"), ()),),
        publish=(Publish(container_port=8000, host_port=port),),
    )
    ident = run(bed, spec)
    pid = bed.podman.list([ident])[0].pid
    assert pid
    assert bed.made.listening(pid) == frozenset()
    inside(bed, ident, "touch", "/go")
    wait_until(lambda: bed.made.listening(pid) == frozenset({8000}), 5, "it never listened")
    socket.create_connection(("127.0.0.1", port), timeout=2).close()
    assert bed.made.listening(2**22 + 1) is None


def test_a_start_that_fails_and_its_port(bed: RealBed) -> None:
    """4.3 keeps the port of a failed start bound in its service; who holds it is told then."""
    bed.made.create_network(bed.name("net"), {})
    port = free_port()
    publish = (Publish(container_port=8000, host_port=port),)
    bad = wish(bed, "a", command=("/no/such/program",), networks=((bed.name("net"), ()),), publish=publish)
    ident = bed.made.create_service(bad)
    with pytest.raises(BackendError, match="no such file"):
        bed.podman.start(ident)
    bed.podman.remove(ident)
    if portholders.taken(port):
        assert "podman" in portholders.holder(port)


def test_a_build_that_fails_tells_its_last_lines_and_leaves_nothing(bed: RealBed, tmp_path: Path) -> None:
    (tmp_path / "Containerfile").write_text(f"FROM {PROBE}\nRUN echo nearly there; false\n")
    before = podman("ps", "-a", "--external", "-q")
    with pytest.raises(PodmanSays, match="nearly there"):
        bed.made.build(
            str(tmp_path), str(tmp_path / "Containerfile"), f"localhost/{bed.name('x')}:1", {}, lambda _: None
        )
    assert set(podman("ps", "-a", "--external", "-q").split()) <= set(before.split())


def test_a_build_gets_what_is_not_ignored(bed: RealBed, tmp_path: Path) -> None:
    (tmp_path / ".containerignore").write_text("# secret things\n*.key\nbig/\n!big/kept\n")
    (tmp_path / "big").mkdir()
    for name in ("a.key", "a.txt", "big/gone", "big/kept"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "Containerfile").write_text(f"FROM {PROBE}\nCOPY . /all/\n")
    tag = f"localhost/{bed.name('y')}:1"
    image = bed.made.build(str(tmp_path), str(tmp_path / "Containerfile"), tag, {}, lambda _: None)
    ident = run(bed, wish(bed, "a", image=image.id))
    found = inside(bed, ident, "find", "/all", "-type", "f").split()
    assert {"/all/a.txt", "/all/big/kept"} <= set(found)
    assert not {"/all/a.key", "/all/big/gone", "/all/link"} & set(found)
