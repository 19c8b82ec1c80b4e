"""Compose files of small services: each waits, then listens on 8000 and answers by HTTP."""

from __future__ import annotations

from tests.bed.boxes import PROBE

KEEPS = "[ -e /data/id ] || cat /proc/sys/kernel/random/uuid > /data/id;"
"""What a service with data does first: an id that stays for as long as its volume."""


def service(
    name: str, project: str, *, after: str = "", seconds: float = 0.5, first: str = "", more: str = "", act: str = ""
) -> str:
    """One service: ``first`` runs, ``seconds`` pass, then it listens (or does ``act``)."""
    script = f"{first} sleep {seconds}; {act or 'exec httpd -f -p 8000'}"
    needs = f"depends_on: {{{after}: {{condition: service_healthy}}}}, " if after else ""
    return (
        f"{name}: {{image: '{PROBE}', container_name: {project}-{name}, init: true, stop_grace_period: 1s, "
        f"{needs}expose: [8000], {more}command: ['sh', '-c', '{script}']}}\n"
    )


def chain(project: str, *, seconds: float = 0.5) -> tuple[str, str]:
    """Six services of three layers, one with a volume; and what else the file declares."""
    data = "volumes: ['data:/data'], secrets: [key], "
    text = (
        service("db", project, seconds=seconds, first=KEEPS, more=data)
        + service("cache", project, seconds=seconds)
        + service("api", project, after="db", seconds=seconds)
        + service("jobs", project, after="cache", seconds=seconds)
        + service("web", project, after="api", seconds=seconds)
        + service("side", project, seconds=seconds)
    )
    rest = (
        f"volumes: {{data: {{name: {project}-data}}}}\nnetworks: {{default: {{name: {project}-net}}}}\n"
        f"secrets: {{key: {{name: {project}-key, x-aistack: {{generate: password}}}}}}\n"
    )
    return text, rest
