"""One container in full: the tabs beside the services list."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from itertools import pairwise

from aistack_backend.wire.containers import (
    Activity,
    Container,
    ContainerDetail,
    ContainerState,
    Health,
    LogLine,
    LogStream,
    Usage,
)
from aistack_console.present.para import Para, fact, para, text_lines, title
from aistack_console.present.table import Tone
from aistack_console.present.units import clock, day_clock, percent, size, span
from aistack_console.present.words import Word

Draw = Callable[[Sequence[float | None], int], str]
"""Draws values as a trend of that many cells."""
NEXT = {"BAD": "l shows its log, r restarts it.", "HELD": "p lets it go on.", "STOPPED": "S starts it."}
"""The keys that help in a state."""
PROGRAM = ("aistack-console",)
"""What follows the log of another machine's container from a shell here."""
TABS = ("Health", "Logs", "Stats", "Env", "Inspect", "Events")


def health(one: Container, word: Word, detail: ContainerDetail | None, now: float) -> tuple[Para, ...]:
    """Return the state, why, and every health check that Podman remembers."""
    paras = [
        para((f"{word.word} ", word.tone), word.why),
        para(*_rungs(one)),
        *((fact("host", one.host),) if one.host else ()),
        fact("image", one.image),
        fact("id", one.id[:12]),
        fact("command", " ".join(one.command) or "-"),
        fact("ports", _ports(one)),
        fact("networks", ", ".join(one.networks) or "-"),
        fact("started", f"{day_clock(one.started_at, now)}   {_restarts(one, detail)}"),
    ]
    if one.finished_at is not None:
        paras.append(fact("ended", f"{day_clock(one.finished_at, now)}   exit {_or_dash(one.exit_code)}"))
    if one.mounts:
        paras.append(fact("mounts", ", ".join(one.mounts)))
    paras.append(fact("managed", "yes" if one.managed else "no: every change counts as HIGH"))
    return (*paras, *_checks(detail, now))


def _rungs(one: Container) -> tuple[tuple[str, Tone], ...]:
    running = one.state in {ContainerState.RUNNING, ContainerState.PAUSED}
    checked: dict[Health, tuple[str, Tone]] = {
        Health.HEALTHY: ("healthy yes", "ok"),
        Health.UNHEALTHY: ("healthy NO", "bad"),
        Health.STARTING: ("healthy not yet", "accent"),
        Health.NONE: ("healthy: no check is defined", "dim"),
        Health.UNKNOWN: ("healthy ?", "warn"),
    }
    healthy: tuple[str, Tone] = checked[one.health] if running else ("healthy not asked", "dim")
    return (
        ("present yes", "ok"),
        (" > ", "dim"),
        ("running yes", "ok") if running else ("running NO", "bad" if one.exit_code else "dim"),
        (" > ", "dim"),
        healthy,
    )


def _restarts(one: Container, detail: ContainerDetail | None) -> str:
    """Return how often Podman restarted it: the list call does not say, inspect does."""
    count = detail.container.restarts if detail and detail.container.restarts is not None else one.restarts
    return "" if count is None else f"restarted {count} time{'' if count == 1 else 's'} by Podman"


def _checks(detail: ContainerDetail | None, now: float) -> tuple[Para, ...]:
    if detail is None:
        return (para(("Reading the rest from Podman ...", "dim")),)
    paras: list[Para] = []
    if detail.exit_reason:
        paras.append(fact("ended by", detail.exit_reason))
    if detail.oom_killed:
        paras.append(para(("Killed because it ran out of memory.", "bad")))
    if detail.restart_policy:
        paras.append(fact("on exit", f"restart: {detail.restart_policy}"))
    if not detail.health_command:
        return tuple(paras)
    paras.append(title("health check"))
    paras.append(fact("command", " ".join(detail.health_command)))
    paras.append(fact("failing", f"{_or_dash(detail.failing_streak)} in a row"))
    for check in reversed(detail.health_log):
        good = check.exit_code == 0
        mark: tuple[str, Tone] = ("ok  " if good else f"exit {_or_dash(check.exit_code)} ", "ok" if good else "bad")
        paras.append(para((f"{day_clock(check.at, now)} ", "dim"), mark, check.output.strip()))
    return tuple(paras)


def logs(lines: Sequence[LogLine], problem: str) -> tuple[Para, ...]:
    """Return the last lines of the log."""
    if problem:
        return (para((problem, "bad")),)
    if not lines:
        return (para(("No log lines.", "dim")),)
    return tuple(
        para((f"{clock(line.at)} ", "dim"), (line.text, "warn" if line.stream is LogStream.STDERR else "plain"))
        for line in lines
    )


def stats(used: Sequence[Usage], one: Container, draw: Draw, width: int) -> tuple[Para, ...]:
    """Return the usage since this console was started as trends, with the newest value in numbers."""
    if one.state is not ContainerState.RUNNING:
        return (para(("It does not run, so there is nothing to measure.", "dim")),)
    if not used:
        return (para(("Not measured yet.", "dim")),)
    last, cells = used[-1], max(8, width - 40)
    rows: tuple[tuple[str, Sequence[float | None], str], ...] = (
        ("cpu", [row.cpu_percent for row in used], f"{percent(last.cpu_percent)} % of one core"),
        ("memory", [row.memory for row in used], f"{size(last.memory)} of {size(last.memory_limit)}"),
        ("net in", _rates(used, lambda row: row.net_in), f"{size(last.net_in)} in all"),
        ("net out", _rates(used, lambda row: row.net_out), f"{size(last.net_out)} in all"),
        ("read", _rates(used, lambda row: row.block_in), f"{size(last.block_in)} in all"),
        ("written", _rates(used, lambda row: row.block_out), f"{size(last.block_out)} in all"),
    )
    lines = [para((f"{name:<9} ", "dim"), (draw(values, cells), "accent"), f" {said}") for name, values, said in rows]
    return (*lines, fact("pids", _or_dash(last.pids)), fact("measured", clock(last.at)))


def _rates(used: Sequence[Usage], count: Callable[[Usage], int | None]) -> list[float | None]:
    """Return the growth of a counter between samples; None where it was not measured or began anew."""
    out: list[float | None] = []
    for before, after in pairwise(used):
        low, high, time = count(before), count(after), after.at - before.at
        out.append(None if low is None or high is None or high < low or time <= 0 else (high - low) / time)
    return out


def env(detail: ContainerDetail | None) -> tuple[Para, ...]:
    """Return the environment; masked values are marked as such."""
    if detail is None:
        return (para(("Reading from Podman ...", "dim")),)
    if not detail.env:
        return (para(("No environment variables.", "dim")),)
    return tuple(
        para((f"{one.name}=", "accent"), ("(masked)" if one.masked else one.value, "dim" if one.masked else "plain"))
        for one in detail.env
    )


def inspect(detail: ContainerDetail | None) -> tuple[Para, ...]:
    """Return Podman's inspect document, secrets masked by the backend."""
    if detail is None:
        return (para(("Reading from Podman ...", "dim")),)
    return text_lines(detail.inspect_json or "The backend sent no inspect document.", "")


def events(feed: Sequence[Activity], one: Container, now: float) -> tuple[Para, ...]:
    """Return what happened to this container since this console was started, newest first."""
    mine = [
        event for event in feed if event.object_id == one.ref or (not event.object_id and one.full_name in event.text)
    ]
    if not mine:
        return (para(("Nothing since this console was started.", "dim")),)
    return tuple(para((f"{day_clock(event.at, now)} {event.who} ", "dim"), event.text) for event in mine)


def cannot(verb: str, one: Container) -> str:
    """Return why a verb makes no sense for a container; empty = it does."""
    runs = one.state in {ContainerState.RUNNING, ContainerState.PAUSED}
    if verb == "start" and runs:
        return f"{one.full_name} runs already."
    if verb in {"stop", "kill", "pause"} and not runs:
        return f"{one.full_name} does not run."
    return ""


def copies(one: Container) -> tuple[tuple[str, str], ...]:
    """Return what can be copied of a container, as ``(what, text)``."""
    return (
        ("name", one.full_name),
        ("id", one.id),
        ("image", one.image),
        ("command", shlex.join(one.command)),
        ("logs", shlex.join((*(PROGRAM if one.host else ("podman",)), "logs", "--follow", one.full_name))),
    )


def why(one: Container, word: Word, detail: ContainerDetail | None, now: float) -> str:
    """Return in one sentence why the container is in its state, as far as it was measured."""
    said = f"{one.full_name} is {word.word}" + (f": {word.why}" if word.why else "")
    if detail and detail.exit_reason:
        said += f" ({detail.exit_reason})"
    if detail and detail.oom_killed:
        said += ", out of memory"
    if one.finished_at is not None and word.word in {"BAD", "STOPPED"}:
        said += f", {span(now - one.finished_at)} ago"
    return " ".join(filter(None, (f"{said}.", NEXT.get(word.word, ""))))


def _ports(one: Container) -> str:
    found = (f"{p.host_ip or '*'}:{p.host_port} -> {p.container_port}/{p.protocol}" for p in one.ports)
    return ", ".join(found) or "-"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)
