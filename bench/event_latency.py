"""A container stopped from another shell: from the return of Podman's call to the word on the screen."""

from __future__ import annotations

import time

from bench.figures import Figure, spread
from bench.stage import Api, fleet, open_console, running_house

TIMES = 20


def run() -> list[Figure]:
    """Stop and start one of twenty containers, twenty times."""
    down, up = [], []
    with fleet(20) as boxes, running_house() as home, open_console(home) as console:
        name = f"{boxes.prefix}007"
        console.press("2")
        console.wait_for("20 other containers")
        console.press(f":svc {name}\r")
        console.wait_for(lambda _: "OK" in console.line(name))
        api = Api()
        for _ in range(TIMES):
            began = api.post(f"/containers/{name}/stop?timeout=1")
            console.wait_for(lambda _: "STOPPED" in console.line(name))
            down.append(time.monotonic() - began)
            began = api.post(f"/containers/{name}/start")
            console.wait_for(lambda _: "OK" in console.line(name))
            up.append(time.monotonic() - began)
        api.close()
    return [
        *spread("stop seen on the screen", down, "<= 30 (events file)", "<= 60"),
        *spread("start seen on the screen", up),
    ]
