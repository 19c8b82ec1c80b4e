"""A real tunnel to a real second Podman: it lists, it breaks, it says why, it mends itself, and it leaves nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.backend.containers.worlds import Ear
from tests.bed.backend import House, house, wait_until
from tests.bed.far import FarMachine, far_machine
from tests.contracts.podman_beds import SOCKET

from aistack_backend.clock import SystemClock
from aistack_backend.containers.hosts.fleets import Far, Fleets
from aistack_backend.containers.hosts.remote import RemotePodman
from aistack_backend.containers.hosts.tunnel import Tunnel
from aistack_backend.containers.hosts.way import HostDown
from aistack_backend.containers.podman import ApiPodman
from aistack_backend.observe.doctor import LIMIT
from aistack_backend.observe.hosts import reachable
from aistack_backend.wire.configfile import load
from aistack_backend.wire.containers import Fleet
from aistack_backend.wire.events import Topic
from aistack_backend.wire.hosts import HostConfig
from aistack_backend.wire.sources import SourceState

pytestmark = [pytest.mark.podman, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house() as made:
        yield made


@pytest.fixture(scope="module")
def machine(home: House) -> Iterator[FarMachine]:
    with far_machine(home) as made:
        yield made


class Watched:
    """A fleet of this machine and ``far``."""

    def __init__(self, host: HostConfig, folder: Path) -> None:
        self.bus = Ear()
        self.tunnel = Tunnel(host, folder, SystemClock())
        self.podman = RemotePodman(host, self.tunnel)
        far = Far(host, self.podman, self.tunnel, str(self.tunnel.socket))
        self.fleets = Fleets(ApiPodman(f"unix://{SOCKET}", {}), self.bus, SystemClock(), [far])
        self.fleets.start()

    def until(self, seen: Callable[[Fleet], object], within: float = 15.0) -> Fleet:
        """Wait until a fleet is published that is as wanted, and is the newest."""
        fleet: Fleet = self.bus.until(Topic.FLEET, lambda one: seen(one) and one is self.newest(), within=within)
        return fleet

    def newest(self) -> Fleet:
        found: Fleet = self.bus.latest(Topic.FLEET)
        return found

    def up(self) -> Fleet:
        return self.until(lambda one: state(one) is SourceState.OK and any(row.host for row in one.containers))

    def ssh(self) -> psutil.Process:
        """The tunnel's ssh."""
        return next(one for one in psutil.Process().children() if one.name() == "ssh")


def state(fleet: Fleet) -> SourceState:
    return fleet.source_of("far").state


def host_of(tmp_path: Path, machine: FarMachine, **changes: str) -> HostConfig:
    path = tmp_path / "config.toml"
    path.write_text(machine.section("far", **changes))
    return load(path, {}).config.hosts[0]


@pytest.fixture
def watched(tmp_path: Path, short: Path, machine: FarMachine) -> Iterator[Watched]:
    made = Watched(host_of(tmp_path, machine), short)
    yield made
    made.fleets.stop()


def test_its_containers_are_listed_and_its_socket_is_ours_alone(watched: Watched) -> None:
    fleet = watched.up()
    assert [row.full_name for row in fleet.containers if row.host] == ["far/web"]
    assert watched.podman.events_file() is None
    assert watched.tunnel.socket.stat().st_mode & 0o777 == 0o600
    watched.bus.until(Topic.USAGE, lambda table: any(row.id.startswith("far/") for row in table.rows))


def test_a_killed_tunnel_is_told_within_two_seconds_and_mended(watched: Watched) -> None:
    watched.up()
    before = len(watched.bus.all(Topic.FLEET))
    killed, first = time.monotonic(), watched.ssh()
    first.send_signal(signal.SIGKILL)
    watched.bus.until(Topic.FLEET, lambda one: one in watched.bus.all(Topic.FLEET)[before:] and not well(one), within=2)
    assert time.monotonic() - killed < 2
    fleet = watched.up()
    assert fleet.source.state is SourceState.OK
    assert watched.ssh().pid != first.pid


def well(fleet: Fleet) -> bool:
    return state(fleet) is SourceState.OK


def test_a_frozen_tunnel_is_told_as_one_that_hangs(watched: Watched) -> None:
    watched.up()
    frozen = watched.ssh()
    frozen.suspend()
    try:
        fleet = watched.until(lambda one: state(one) is SourceState.HANGING, within=5)
        assert "Podman on far does not answer in time." in fleet.source_of("far").detail
        assert fleet.source.state is SourceState.OK
    finally:
        frozen.resume()
    watched.up()


def test_a_socket_that_goes_and_comes_back(watched: Watched, machine: FarMachine) -> None:
    watched.up()
    machine.podman.end_service()
    try:
        fleet = watched.until(lambda one: "there is no socket" in one.source_of("far").detail)
        assert state(fleet) is SourceState.REFUSED
        with pytest.raises(HostDown, match="On far there is no socket"):
            watched.podman.list()
    finally:
        machine.podman.serve()
    watched.up()


@pytest.mark.parametrize(
    ("changes", "says", "fix"),
    [
        ({"identity": "{home}/ssh/host"}, "does not take our key.", "authorized_keys"),
        ({"identity": "{home}/nobody"}, "nobody cannot be read.", "hosts.far.identity"),
        ({"known_hosts": "{home}/nobody"}, "is not known here, and an unknown key is never taken.", "ssh-keyscan -p"),
        ({"known_hosts": "{home}/changed"}, "shows another host key than the known one", "Find out why first"),
        ({"socket": "/run/nobody.sock"}, "On far there is no socket /run/nobody.sock", "podman.socket"),
        ({"ssh": "root@127.0.0.1:1"}, "No ssh server listens on root@127.0.0.1:1.", "hosts.far.ssh"),
        ({"ssh": "root@nobody.invalid"}, "There is no machine called nobody.invalid.", "hosts.far.ssh"),
    ],
)
def test_each_fault_is_one_sentence_with_its_fix(
    tmp_path: Path, home: House, machine: FarMachine, changes: dict[str, str], says: str, fix: str
) -> None:
    key = (machine.login.folder / "client.pub").read_text()
    (home.folder / "changed").write_text(f"[127.0.0.1]:{machine.login.port} {key}")
    given = {name: value.format(home=home.folder) for name, value in changes.items()}
    finding = reachable(host_of(tmp_path, machine, **given)).ask()
    assert finding.ok is False
    assert says in finding.detail
    assert fix in finding.fix
    assert not (home.folder / "nobody").exists()


def test_a_machine_that_accepts_and_says_nothing_holds_up_nobody(
    tmp_path: Path, short: Path, machine: FarMachine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host = host_of(tmp_path, machine, ssh=f"root@127.0.0.1:{mute.getsockname()[1]}")
        began = time.monotonic()
        finding = reachable(host).ask()
        assert finding.ok is False
        assert "did not answer within 3.5 s." in finding.detail
        assert time.monotonic() - began < LIMIT
        made = Watched(host, short)
        try:
            fleet = made.until(lambda one: one.source.state is SourceState.OK and one.at is not None, within=5)
            assert state(fleet) is SourceState.CONNECTING
            with pytest.raises(HostDown, match="is being reached"):
                made.fleets.resolve("far/web")
        finally:
            made.fleets.stop()


def test_the_doctor_tells_the_version(tmp_path: Path, machine: FarMachine) -> None:
    finding = reachable(host_of(tmp_path, machine)).ask()
    assert finding.ok, finding
    assert "Podman 4" in finding.detail or "Podman 5" in finding.detail


def test_stopping_leaves_neither_ssh_nor_socket(watched: Watched) -> None:
    watched.up()
    ssh = watched.ssh()
    watched.fleets.stop()
    assert not ssh.is_running()
    assert not watched.tunnel.socket.exists()


KEEPER = """
import sys
from pathlib import Path
from aistack_backend.clock import SystemClock
from aistack_backend.containers.hosts.tunnel import Tunnel
from aistack_backend.wire.configfile import load
tunnel = Tunnel(load(Path(sys.argv[1]), {}).config.hosts[0], Path(sys.argv[2]), SystemClock())
tunnel.start(lambda: None)
sys.stdin.read()
"""


def test_a_killed_backend_leaves_no_ssh(tmp_path: Path, short: Path, machine: FarMachine) -> None:
    host_of(tmp_path, machine)
    words = [sys.executable, "-c", KEEPER, str(tmp_path / "config.toml"), str(short)]
    keeper = subprocess.Popen(words, stdin=subprocess.PIPE, env=dict(os.environ))
    try:
        wait_until((short / "far.sock").exists, 20, "the tunnel did not open", keeper)
        ssh = psutil.Process(keeper.pid).children()
        assert [one.name() for one in ssh] == ["ssh"]
    finally:
        keeper.kill()
        keeper.communicate()
    assert psutil.wait_procs(ssh, timeout=5)[1] == []
