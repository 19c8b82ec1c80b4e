"""A small stack for workflows: a service that keeps an id in a volume, one beside it, and one that watches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.bed.backend import House, wait_until
from tests.bed.boxes import PROBE


def stack(folder: Path, project: str) -> Path:
    """Write the Compose file of three services, none of which runs yet."""
    keeps = "[ -e /data/id ] || cat /proc/sys/kernel/random/uuid > /data/id;"
    serve = "echo ready; exec httpd -f -p 8000"
    file = folder / "stack.yml"
    extra = "x-aistack: {probes: [{rung: ready, kind: tcp, port: 8000}], backup: files, data_volumes: [data]}"
    probes = "x-aistack: {probes: [{rung: ready, kind: tcp, port: 8000}]}"
    common = f"image: '{PROBE}', init: true, stop_grace_period: 1s, expose: [8000]"

    def one(name: str, first: str, more: str) -> str:
        command = f"command: ['sh', '-c', '{first} {serve}']"
        return f"  {name}: {{{common}, container_name: {project}-{name}, {command}, {more}}}\n"

    file.write_text(
        f"name: {project}\nservices:\n"
        + one("web", keeps, f"volumes: ['data:/data'], {extra}")
        + one("side", "", probes)
        + one("watch", "", probes)
        + f"volumes: {{data: {{name: {project}-data}}}}\nnetworks: {{default: {{name: {project}-net}}}}\n"
    )
    return file


def run(home: House, name: str, *words: str, code: int | None = None) -> dict[str, Any]:
    """Run a workflow until it has ended or needs a person."""
    done = home.cli("workflow", "run", name, *words, "--json", code=code)
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {"error": done.stderr}
    return found


def look(home: House, number: int) -> dict[str, Any]:
    """Return a run as it stands."""
    found: dict[str, Any] = json.loads(home.cli("workflow", "runs", str(number), "--json").stdout)
    return found


def states(run: dict[str, Any]) -> dict[str, str]:
    """Return where each step of a run stands."""
    return {one["id"]: one["state"] for one in run["steps"]}


def outputs(run: dict[str, Any]) -> dict[str, str]:
    """Return what a run gave."""
    return {one["name"]: one["value"] for one in run["outputs"]}


def approve(home: House, number: int) -> None:
    """Approve everything that the run waits for, with its code where one is wanted."""
    waiting = [one["approval_id"] for one in look(home, number)["steps"] if one["approval_id"]]
    assert waiting, look(home, number)
    for ident in waiting:
        asked = {one["id"]: one for one in json.loads(home.cli("approvals", "--json").stdout)["approvals"]}
        home.cli("approve", str(ident), "--yes", "--code", asked[ident]["code"])


def through(home: House, number: int, seconds: float = 90) -> dict[str, Any]:
    """Approve whatever a run asks for until it has ended, and return it."""

    def over() -> bool:
        now = look(home, number)
        if any(one["approval_id"] for one in now["steps"]):
            approve(home, number)
        return now["task"]["state"] != "running"

    wait_until(over, seconds, lambda: json.dumps(look(home, number), indent=1) + home.said())
    return look(home, number)
