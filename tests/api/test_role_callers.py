"""What a role counts of its callers: by address, bounded whoever comes, with what its guard refused."""

from __future__ import annotations

import asyncio

import httpx
from starlette.types import Receive, Scope, Send

from aistack_backend.api.roles.callers import IDLE, MOST, OTHERS, Callers
from aistack_backend.api.roles.catalogue import Role
from aistack_backend.api.roles.door import Door, tcp
from aistack_backend.api.roles.site import build
from aistack_backend.clock import HandClock
from aistack_backend.containers.traffic import service as traffic
from aistack_backend.containers.traffic.told import Told, parse

BARE = Role(id="bare", port=1, title="A role without routes")


async def asked(address: str) -> Told:
    """Ask a bare role from an address, then read what it tells with the backend's own reader."""
    app = build(BARE, {}, (), "container")
    transport = httpx.ASGITransport(app, client=(address, 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in ("/health", "/nothing", "/nothing"):
            await client.get(path)
        await client.get("/health", headers={"host": "evil.example"})
        return parse((await client.get("/metrics")).text)


async def test_each_answer_is_counted_for_its_caller_refusals_too() -> None:
    told = await asked("10.0.0.2")
    one = told.callers["10.0.0.2"]
    assert one.answers == {("check", 200): 1, ("work", 404): 2, ("work", 421): 1}
    assert one.last_good is not None
    assert one.last_good >= told.began


async def test_who_comes_over_a_socket_without_an_address_is_not_counted() -> None:
    async def nothing(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    callers = Callers("bare")
    app = callers.counting(nothing, {})
    for client in (None, ("", 0)):
        transport = httpx.ASGITransport(app, client=client)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
            await asking.get("/")
    assert [one for family in callers.collect() for one in family.samples if "caller" in one.labels] == []


def test_a_thousand_callers_are_sixty_four_and_the_rest() -> None:
    clock = HandClock()
    callers = Callers("bare", clock.now, clock.mono)
    for n in range(1000):
        callers.count(f"10.0.{n // 250}.{n % 250}", "work", 200)
    requests = next(family for family in callers.collect() if family.name == "aistack_role_caller_requests")
    values = {one.labels["caller"]: one.value for one in requests.samples}
    assert len(values) == MOST + 1
    assert values[OTHERS] == 1000 - MOST
    clock.advance(IDLE)
    callers.count("10.9.9.9", "work", 500)
    requests = next(family for family in callers.collect() if family.name == "aistack_role_caller_requests")
    values = {one.labels["caller"]: one.value for one in requests.samples}
    assert (values["10.9.9.9"], "10.0.0.0" in values, len(values)) == (1, False, MOST + 1)


async def test_the_backend_reads_a_serving_role_over_tcp() -> None:
    bound = tcp("127.0.0.1", 0)
    where = ("127.0.0.1", int(bound.getsockname()[1]))
    door = Door(build(BARE, {}, (), "container"), bound)
    await door.open()
    try:
        first = await asyncio.to_thread(traffic.asked, where)
        second = await asyncio.to_thread(traffic.asked, where)
    finally:
        await door.close()
    assert (first.callers, first.began) == ({}, second.began), "a reading tells what was answered before it"
    assert second.callers["127.0.0.1"].answers == {("check", 200): 1}
