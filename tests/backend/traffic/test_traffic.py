"""Edges of a stack as they are told: measured, 0, or not measured with the reason; and open connections."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.backend.ladder.made import NOW, container, measured, service, stack
from tests.backend.ladder.servers import http, saying, talking

from aistack_backend.clock import HandClock
from aistack_backend.containers.ladder.facts import Measured
from aistack_backend.containers.stack.models import Extra, Publish
from aistack_backend.containers.traffic import connections
from aistack_backend.containers.traffic.service import OLD, Traffic, Where, asked
from aistack_backend.containers.traffic.told import Counted, Told, Untold
from aistack_backend.wire.containers import ContainerState, Port
from aistack_backend.wire.stack import RungName
from aistack_backend.wire.traffic import Answered, Edge

ROLE = {"extra": Extra(role="x"), "publish": (Publish(host_ip="127.0.0.1", host_port=8091, container_port=8091),)}
MANIFEST = stack(
    service("postgres"), service("aidb", "postgres", **ROLE), service("ralph", "aidb"), service("prometheus")
)
ADDRESSES = {"postgres": "10.0.0.1", "aidb": "10.0.0.2", "ralph": "10.0.0.3", "prometheus": "10.0.0.4"}


class World:
    """A role that tells what the test says, and tables as the test writes them."""

    def __init__(self) -> None:
        self.clock = HandClock(wall=NOW)
        self.told: Told | Exception = Told(1.0)
        self.tables: dict[int, dict[str, int]] = {}
        self.asked: list[Where] = []
        self.traffic = Traffic(self.clock, self.ask, lambda pid, _: self.tables.get(pid))

    def ask(self, where: Where) -> Told:
        self.asked.append(where)
        if isinstance(self.told, Exception):
            raise self.told
        return self.told

    def climbs(self) -> dict[str, Measured]:
        return {name: self.climb(name, address) for name, address in ADDRESSES.items()}

    def climb(self, name: str, address: str) -> Measured:
        pid = int(address.rpartition(".")[2])
        port = Port(host_ip="127.0.0.1", host_port=18091, container_port=8091, protocol="tcp")
        one = measured(name=name, box=replace(container(name), pid=pid, ports=(port,) if name == "aidb" else ()))
        facts = replace(one.facts, addresses=frozenset({address}), run="r1", at=self.clock.now())
        return replace(one, facts=facts)

    def look(self, callers: dict[str, Counted], climbs: dict[str, Measured] | None = None) -> None:
        self.told = Told(1.0, callers)
        self.traffic.look(MANIFEST, climbs or self.climbs())
        self.clock.advance(15)

    def edge(self, user: str, need: str) -> Edge:
        return next(one for one in self.traffic.now(MANIFEST) if (one.user, one.need) == (user, need))


def counts(good: int, bad: int = 0, last: float | None = None) -> Counted:
    return Counted({("work", 200): float(good), ("work", 502): float(bad), ("check", 200): 1.0}, last)


def test_before_the_first_look_every_declared_edge_says_that_it_was_not_measured() -> None:
    found = World().traffic.now(MANIFEST)
    assert [(one.user, one.need, one.requests, one.connections) for one in found] == [
        ("aidb", "postgres", None, None), ("ralph", "aidb", None, None),
    ]  # fmt: skip
    assert all(one.why.endswith(".") for one in found)


def test_an_edge_has_its_rate_its_errors_by_code_and_its_last_good_answer() -> None:
    world = World()
    world.look({"10.0.0.3": counts(0)})
    world.look({"10.0.0.3": counts(3, 1, NOW + 14)})
    assert world.asked[0] == ("127.0.0.1", 18091)
    edge = world.edge("ralph", "aidb")
    assert (edge.requests, edge.checks, edge.errors, edge.window) == (16, 0, 0.25, 15)
    assert edge.codes == (Answered(status=200, count=3), Answered(status=502, count=1))
    assert (edge.last_good, edge.at, edge.why) == (NOW + 14, NOW + 15, "")
    assert "counts no callers" in world.edge("aidb", "postgres").why


def test_an_idle_edge_is_0_without_a_share_of_errors() -> None:
    world = World()
    world.look({})
    world.look({})
    edge = world.edge("ralph", "aidb")
    assert (edge.requests, edge.errors, edge.codes, edge.last_good) == (0, None, (), None)


def test_what_only_was_seen_is_told_as_undeclared_and_what_was_not_seen_is_not_told() -> None:
    world = World()
    world.look({"10.0.0.9": counts(0)})
    world.look({"10.0.0.4": counts(5), "10.0.0.9": counts(2)})
    found = [(one.user, one.need, one.declared) for one in world.traffic.now(MANIFEST)]
    assert found == [
        ("", "aidb", False), ("aidb", "postgres", True), ("ralph", "aidb", True), ("prometheus", "aidb", False),
    ]  # fmt: skip
    assert world.edge("", "aidb").requests == 8
    assert world.edge("prometheus", "aidb").checks == 4


def test_a_role_that_does_not_answer_is_not_measured_and_the_last_good_answer_stays_known() -> None:
    world = World()
    world.look({"10.0.0.3": counts(0)})
    world.look({"10.0.0.3": counts(3, 0, NOW + 14)})
    for _ in range(4):
        world.told = ConnectionRefusedError(111, "Connection refused")
        world.traffic.look(MANIFEST, world.climbs())
        world.clock.advance(15)
    edge = world.edge("ralph", "aidb")
    assert edge.requests is None
    assert edge.why == "The counters of aidb were not read: it refuses the connection."
    assert edge.last_good == NOW + 14


def test_a_role_that_was_begun_anew_is_measured_from_its_second_reading_on() -> None:
    world = World()
    world.look({"10.0.0.3": counts(0)})
    world.look({"10.0.0.3": counts(3)})
    for asked_for, expected in ((8, None), (9, 4.0)):
        world.told = Told(2.0, {"10.0.0.3": counts(asked_for)})
        world.traffic.look(MANIFEST, world.climbs())
        assert world.edge("ralph", "aidb").requests == expected
        world.clock.advance(15)


def test_a_reading_grows_old() -> None:
    world = World()
    world.look({"10.0.0.3": counts(0)})
    world.look({"10.0.0.3": counts(9)})
    world.clock.advance(OLD)
    assert world.edge("ralph", "aidb").requests is None


def test_only_the_last_minute_counts() -> None:
    world = World()
    world.look({"10.0.0.3": counts(0)})
    for _ in range(9):
        world.look({"10.0.0.3": counts(600)})
    assert (world.edge("ralph", "aidb").requests, world.edge("ralph", "aidb").window) == (0, 60)


def test_what_does_not_run_and_what_was_looked_at_long_ago_has_no_address() -> None:
    world = World()
    climbs = world.climbs()
    box = climbs["ralph"].facts.container
    assert box is not None
    climbs["ralph"] = replace(
        climbs["ralph"], facts=replace(climbs["ralph"].facts, container=replace(box, state=ContainerState.EXITED))
    )
    world.look({}, climbs)
    world.look({}, climbs)
    assert world.edge("ralph", "aidb").why.startswith("ralph has no address here")
    climbs = {"aidb": world.climb("aidb", "10.0.0.2")}
    world.clock.advance(61)
    world.look({}, climbs)
    assert world.edge("ralph", "aidb").why.startswith("aidb has no address here")
    world.look({}, {"aidb": measured(RungName.PRESENT)})
    assert world.edge("ralph", "aidb").requests is None


def test_an_address_of_two_services_is_nobodys() -> None:
    world = World()
    climbs = {**world.climbs(), "prometheus": world.climb("prometheus", "10.0.0.3")}
    world.look({"10.0.0.3": counts(0)}, climbs)
    world.look({"10.0.0.3": counts(5)}, climbs)
    assert world.edge("ralph", "aidb").requests is None


def test_open_connections_are_told_beside_requests_and_0_is_0() -> None:
    world = World()
    world.tables[1] = {"10.0.0.2": 4, "127.0.0.1": 9, "10.0.0.1": 1, "192.168.0.7": 2}
    world.tables[2] = {}
    world.look({})
    assert (world.edge("aidb", "postgres").connections, world.edge("aidb", "postgres").requests) == (4, None)
    assert world.edge("ralph", "aidb").connections == 0
    assert world.edge("", "postgres").connections == 2
    assert world.edge("ralph", "aidb").connections_at == NOW


def test_a_strangers_answer_is_not_taken_for_a_roles() -> None:
    with talking(saying(http("200 OK", b"hello"))) as port, pytest.raises(Untold, match="does not count its callers"):
        asked(("127.0.0.1", port))
    with talking(saying(http("404 Not Found", b""))) as port, pytest.raises(Untold, match="answers 404"):
        asked(("127.0.0.1", port))


TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100000A:1538 0200000A:A000 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100000A:1538 0200000A:A001 06 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 0100000A:A002 0200000A:1538 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
   4: 0000000000000000FFFF00000100000A:1538 0000000000000000FFFF00000300000A:A003 01 0:0 00:0 0 0 0 5 1 0 1 0 0 10 0
broken line
"""


@pytest.mark.skipif(sys.byteorder == "big", reason="the table is of a little-endian machine")
def test_the_kernels_table_tells_who_came_in_and_not_where_the_service_went() -> None:
    assert connections.peers(TABLE) == Counter({"10.0.0.2": 1, "10.0.0.3": 1})


LOCAL = """Local:
  +-- 10.0.0.0/24 2 0 2
     |-- 10.0.0.1
        /32 host LOCAL
     |-- 10.0.0.255
        /32 link BROADCAST
"""


def test_only_the_network_that_has_the_containers_address_is_looked_at(tmp_path: Path) -> None:
    net = tmp_path / "7" / "net"
    net.mkdir(parents=True)
    for name, text in (("tcp", TABLE), ("fib_trie", LOCAL)):
        (net / name).write_text(text)
    assert connections.of_process(7, {"10.0.0.1"}, tmp_path) == {"10.0.0.2": 1, "10.0.0.3": 1}
    for own in ({"10.0.0.255"}, {"10.0.0.9"}, set()):
        assert connections.of_process(7, own, tmp_path) is None, "the number belongs to another process"
    assert connections.of_process(8, {"10.0.0.1"}, tmp_path) is None, "it is gone"
    assert connections.of_process(os.getpid(), {"10.255.3.4"}) is None
    (net / "tcp").write_text(TABLE + "x" * connections.LARGEST)
    assert connections.of_process(7, {"10.0.0.1"}, tmp_path) is None, "too long to read to its end"
