"""Run inside a network namespace of its own: a question with an endpoint elsewhere configured, and packets counted.

``python -m tests.backend.routing.boxed FOLDER`` prints one JSON object. Nothing can really leave: the way
out is a cable whose other end lies in the same namespace and goes nowhere; the kernel counts what is sent into it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aistack_backend.orchestration.routing.switch import Switch
from aistack_backend.orchestration.routing.wayout import WayOut
from aistack_backend.wire.providerconfig import ProviderConfig

from .agents import Goes, agents
from .ground import MANY, ask, here, recording, saying, standing, store

AFAR = "https://93.184.215.14/v1"
"""A public address, as an endpoint elsewhere has; its packets go into the cable."""


def ip(*words: str) -> None:
    """Run ``ip``."""
    subprocess.run(["ip", *words], check=True)


def counted() -> int:
    """Return how many packets were sent into the cable, as the kernel counts."""
    line = next(one for one in Path("/proc/net/dev").read_text().splitlines() if one.strip().startswith("way-out:"))
    return int(line.split(":")[1].split()[9])


async def asked(folder: Path) -> dict[str, Any]:
    """Ask with the lock closed, asked to stay, with something private in it, and last with the way open."""
    database, found = store(folder), dict[str, Any]()
    far = ProviderConfig(name="far", url=AFAR, model="big", connect_timeout=0.3, timeout=2.0)
    async with recording(saying("From here.")) as near, standing(database, (here(near), far), MANY) as held:
        held.rooms.switch.turn(closed=True, by="operator:test")
        for name, query, more in (
            ("locked", "What is NixOS?", {}),
            ("local-only", "What is NixOS?", {"local_only": True}),
            ("private", "Mail jo@example.org", {}),
            ("open", "What is NixOS?", {}),
        ):
            before = counted()
            said = await ask(held, query, prefer="remote", **more)
            found[name] = {"route": said.route, "packets": counted() - before, "answer": said.answer}
            held.rooms.switch.turn(closed=False, by="operator:test")
        found["agents"] = await opened(folder, held.rooms.switch)
    database.close()
    return found


async def opened(folder: Path, switch: Switch) -> dict[str, dict[str, object]]:
    """Have each of what agents open go out with the lock closed, and then with it open until a packet was seen."""
    found = dict[str, dict[str, object]]()
    for name, goes in agents(folder, WayOut(lambda: switch), urlsplit(AFAR).hostname or "").items():
        found[name] = {}
        for state in ("locked", "open"):
            switch.turn(closed=state == "locked", by="operator:test")
            before = counted()
            said = await until_seen(goes, before)
            found[name] |= {state: counted() - before, f"{state} says": said}
    return found


async def until_seen(goes: Goes, before: int) -> str:
    """Run it to its end, or until a packet was sent; return what came of it in words."""
    running = asyncio.ensure_future(goes())
    async with asyncio.timeout(30):
        while counted() == before and not running.done():
            await asyncio.wait({running}, timeout=0.05)
    running.cancel()
    (said,) = await asyncio.gather(running, return_exceptions=True)
    return said if isinstance(said, str) else str(said)


if __name__ == "__main__":
    for path in ("all", "default"):  # a new interface would announce itself
        Path(f"/proc/sys/net/ipv6/conf/{path}/disable_ipv6").write_text("1")
    ip("link", "set", "lo", "up")
    ip("link", "add", "way-out", "type", "veth", "peer", "name", "nowhere", "address", "02:00:00:00:00:02")
    ip("addr", "add", "10.99.0.1/24", "dev", "way-out")
    ip("link", "set", "way-out", "up")
    ip("link", "set", "nowhere", "up")
    ip("neigh", "add", "10.99.0.2", "lladdr", "02:00:00:00:00:02", "dev", "way-out")
    ip("route", "add", "default", "via", "10.99.0.2")
    print(json.dumps(asyncio.run(asked(Path(sys.argv[1])))))
