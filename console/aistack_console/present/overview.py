"""The overview: what needs the operator, how everything is, what happened last."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.actions import ApprovalList, ApprovalState
from aistack_backend.wire.audit import AuditPage, AuditRecord, Phase
from aistack_backend.wire.boot import Boot
from aistack_backend.wire.containers import Activity, Fleet
from aistack_backend.wire.host import HostSample
from aistack_backend.wire.models import ModelStatus, Stage, StageState
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.status import Status
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_console.present import stack as parts
from aistack_console.present.approvals import deadline, short_actor
from aistack_console.present.boot import summary as boot_line
from aistack_console.present.doing import Doing, lines
from aistack_console.present.header import host_stale
from aistack_console.present.kept import kept_line
from aistack_console.present.para import Para, para
from aistack_console.present.table import Cell, Column, Row
from aistack_console.present.tasks import WORDS
from aistack_console.present.units import bar, day_clock, percent, size, span
from aistack_console.present.words import ORDER, TONES, fleet_word, measured, risk_cell, source_line, stale

NEEDS = (Column("WHAT", 7), Column("FROM", 12), Column("", 0), Column("DEADLINE", 11))
SERVICES = (Column("NAME", 0), Column("STATE", 8), Column("WHY", 22))
TASKS = (Column("ID", 4, "right"), Column("STATE", 9), Column("GOAL", 0), Column("AGO", 5, "right"))
NEWS = 900.0
"""Seconds for which a task that failed stays among the needs."""
TOLD = {Phase.NOTE, Phase.DECISION, Phase.OUTCOME}
"""Audit records that are told in the feed; requests and intents are on the screens of their own."""
NORMAL_ABSENCE = {"gpu"}
"""Sources whose absence is a normal state, not a fault."""


def needs(
    approvals: ApprovalList | None,
    tasks: TaskList | None,
    fleet: Fleet | None,
    stack: Stack | None = None,
    *,
    down: float | None,
    now: float,
) -> tuple[Row, ...]:
    """Return what waits for the operator: approvals by deadline, tasks nobody can judge, then faults.

    Of the stack only root causes are told, each with whom it hits; its containers speak through their services.
    """
    rows = []
    for one in approvals.approvals if approvals else ():
        if one.state is ApprovalState.PENDING:
            asker = f"{short_actor(one.requester)}#{one.task_id}"
            rows.append(Row(f"approval:{one.id}", (risk_cell(one.risk), asker, one.title, deadline(one, now))))
    for task in tasks.tasks if tasks else ():
        if _wants_a_look(task, now):
            rows.append(Row(f"task:{task.id}", (WORDS[task.state], f"task#{task.id}", task.reason or task.goal, "")))
    for cause, verdict in parts.root_causes(stack, down, now):
        felt = f" (hits {len(cause.symptoms)})" if cause.symptoms else ""
        said = f"{cause.id}{felt}: {verdict.why}"
        rows.append(Row(f"service:{cause.id}", (verdict.cell, "service", said, "")))
    boxes = fleet.containers if fleet else ()
    for service in boxes if stack is None else parts.others(stack, fleet):
        word = fleet_word(service, fleet, down, now) if fleet else None
        if word and word.word == "BAD":
            rows.append(Row(f"service:{service.ref}", (word.cell, "service", f"{service.full_name}: {word.why}", "")))
    return tuple(rows)


def _wants_a_look(task: Task, now: float) -> bool:
    """Whether nobody can judge a task but a person, or it ended badly so lately that it may be news."""
    late = task.state in {TaskState.FAILED, TaskState.EXHAUSTED} and now - task.updated_at < NEWS
    return late or task.state is TaskState.UNSURE


def following(rows: Sequence[Row], here: str) -> str:
    """Return the key after ``here`` among the needs, round and round; the first when ``here`` is none of them."""
    keys = [row.key for row in rows]
    return keys[(keys.index(here) + 1) % len(keys)] if here in keys else keys[0]


def place_of(key: str) -> tuple[str, str]:
    """Return the screen of a need and the argument that brings its cursor there."""
    kind, _, number = key.partition(":")
    return {"approval": ("approvals", f"show {number}"), "task": ("tasks", f"task {number}")}.get(
        kind, ("services", number)
    )


def needs_head(count: int, known: bool) -> tuple[Cell, ...]:
    """Return the heading of the list of needs."""
    if not known:
        return (("-- NEEDS YOU not measured yet --", "accent"),)
    if not count:
        return (("-- NEEDS YOU nothing --", "accent"),)
    return ((f"-- NEEDS YOU {count} --", "accent"), (" J jumps to the next one, enter opens", "dim"))


def services(fleet: Fleet | None, stack: Stack | None = None, *, down: float | None, now: float) -> tuple[Row, ...]:
    """Return every service, and every container that belongs to none, with its word, worst first."""
    found = [(one.id, one.id, parts.service_word(one, stack, down, now)) for one in stack.services] if stack else []
    boxes = fleet.containers if fleet and stack is None else parts.others(stack, fleet) if stack else ()
    found += [(one.ref, one.full_name, fleet_word(one, fleet, down, now)) for one in boxes] if fleet else []
    found.sort(key=lambda row: (ORDER.index(row[2].word), row[1].lower()))
    return tuple(Row(key, (name, word.cell, (word.why, "dim"))) for key, name, word in found)


def summary(
    *,
    status: Status | None,
    fleet: Fleet | None,
    host: HostSample | None,
    model: ModelStatus | None,
    tasks: TaskList | None,
    stack: Stack | None = None,
    boot: Boot | None = None,
    doing: Doing | None = None,
    down: float | None,
    now: float,
    alone: bool = False,
) -> tuple[Para, ...]:
    """Return the lines between needs and events: services, host, model, tasks, loop, routes, and each source at fault.

    ``alone`` leaves out services and tasks, which then have panes of their own.
    """
    machine = (*_host_lines(host, down, now), *_model_lines(model, now))
    booted = boot_line(boot, now)
    urgent = (*([booted] if booted else []), *faults(status, fleet, now))
    last = (*urgent, *lines(doing or Doing(), now), *kept_line(stack, now))
    if alone:
        return (*((_groups_line(stack, down, now),) if stack and stack.services else ()), *machine, *last)
    return (_services_line(fleet, stack, down, now), *machine, _tasks_line(tasks), *last)


def services_head(
    fleet: Fleet | None, stack: Stack | None = None, *, down: float | None, now: float
) -> tuple[Cell, ...]:
    """Return the heading of the list of services: how many have which word."""
    if stack is None or not stack.services:
        return (("-- SERVICES ", "accent"), *_services_line(fleet, None, down, now).cells[1:], ("--", "accent"))
    number = parts.counts(stack, fleet, down, now)
    cells: list[Cell] = [("-- SERVICES ", "accent")]
    for word in (one for one in ORDER if number[one]):
        cells += [(word, TONES[word]), f" {number[word]}  "]
    return (*cells, ("--", "accent"))


def tasks(found: TaskList | None, now: float) -> tuple[Row, ...]:
    """Return the newest tasks with their state word."""
    return tuple(
        Row(str(one.id), (str(one.id), WORDS[one.state], one.goal, (span(now - one.updated_at), "dim")))
        for one in (found.tasks if found else ())
    )


def _groups_line(stack: Stack, down: float | None, now: float) -> Para:
    cells: list[Cell] = [("SERVICES ", "accent")]
    for group in parts.groups(stack, down, now):
        cells += [f"{group.name} ", (group.count.removesuffix(" OK"), TONES[group.worst]), "  "]
    since = parts.stale(stack, down, now)
    if since is not None:
        cells.append((f"last checked {span(now - since)} ago", "warn"))
    return para(*cells, hang="         ")


def _services_line(fleet: Fleet | None, stack: Stack | None, down: float | None, now: float) -> Para:
    if stack is not None and stack.services:
        return _groups_line(stack, down, now)
    if fleet is None:
        return para(("SERVICES ", "accent"), ("not measured yet", "dim"))
    if not measured(fleet):
        return para(
            ("SERVICES ", "accent"), (f"not measured: {fleet.source.name} is {fleet.source.state.value} ", "warn")
        )
    number = parts.counts(None, fleet, down, now)
    cells: list[Cell] = [("SERVICES ", "accent"), f"{len(fleet.containers)}  "]
    for word in ORDER:
        if number[word]:
            cells += [(word, TONES[word]), f" {number[word]}  "]
    since = stale(fleet.source, down)
    if since is not None:
        cells.append((f"last measured {span(now - since)} ago", "warn"))
    elif not fleet.containers:
        cells.append(("Podman answers and has no containers", "dim"))
    return para(*cells)


def _host_lines(host: HostSample | None, down: float | None, now: float) -> tuple[Para, ...]:
    if host is None:
        return (para(("HOST     ", "accent"), ("not measured yet", "dim")),)
    old = host_stale(host, down, now)
    cells: list[Cell] = [("HOST     ", "accent")]
    if old is not None:
        cells.append((f"UNKNOWN, {span(old)} old: ", "warn"))
    memory = _share(host.memory_used, host.memory_total)
    cpu = None if host.cpu_percent is None else host.cpu_percent / 100
    cells.append(f"cpu {percent(host.cpu_percent)}% {bar(cpu, 6)}  ")
    cells.append(f"mem {size(host.memory_used)}/{size(host.memory_total)} {bar(memory, 6)}  ")
    return (para(*cells, hang="         "), _disk_line(host), _gpu_line(host))


def _disk_line(host: HostSample) -> Para:
    words = [f"disk {disk.label} {percent(_percent(disk.used, disk.total))}%" for disk in host.disks[:2]]
    words.append(f"net in {size(host.net_in_rate)}/s out {size(host.net_out_rate)}/s")
    if host.load is not None:
        words.append(f"load {host.load[0]:.1f}")
    return para("         " + "  ".join(words), hang="         ")


def _gpu_line(host: HostSample) -> Para:
    if not host.gpus:
        source = host.gpu_source
        absent = source is not None and source.state is SourceState.ABSENT
        why = "none found: models run on the processor" if absent else source.detail if source else "not measured yet"
        return para(("GPU      ", "accent"), (why, "dim"), hang="         ")
    words = "  ".join(
        f"{gpu.name} {percent(gpu.utilization)}% vram {size(gpu.memory_used)}/{size(gpu.memory_total)}"
        for gpu in host.gpus
    )
    return para(("GPU      ", "accent"), words, hang="         ")


def _share(used: int | None, total: int | None) -> float | None:
    return used / total if used is not None and total else None


def _percent(used: int | None, total: int | None) -> float | None:
    share = _share(used, total)
    return None if share is None else share * 100


def _model_lines(model: ModelStatus | None, now: float) -> tuple[Para, ...]:
    if model is None:
        return (para(("MODEL    ", "accent"), ("not measured yet", "dim")),)
    good = model.engine.value in {"ready", "busy"}
    cells: list[Cell] = [("MODEL    ", "accent"), (model.engine.value.upper(), "ok" if good else "warn")]
    words = [model.model, f"context {model.context_size}" if model.context_size else "", model.detail, model.hint]
    if model.tokens_per_second is not None:
        words.append(f"{model.tokens_per_second:.1f} tok/s")
    cells.append("  " + "  ".join(word for word in words if word))
    running = [stage for stage in model.stages if stage.state in {StageState.RUNNING, StageState.FAILED}]
    return (para(*cells, hang="         "), *(_stage_line(stage, now) for stage in running))


def _stage_line(stage: Stage, now: float) -> Para:
    share = stage.done / stage.total if stage.total else None
    steps = f"{stage.done}/{stage.total or '?'}"
    amount = f"{size(stage.done)}/{size(stage.total)}" if stage.unit == "bytes" else steps
    ran = "" if stage.started_at is None else f"  {span((stage.ended_at or now) - stage.started_at)}"
    text = f"  {stage.name} {stage.state.value} {bar(share, 8)} {amount} {stage.unit}{ran}  {stage.detail}"
    return para((text, "bad" if stage.state is StageState.FAILED else "plain"), hang="         ")


def _tasks_line(tasks: TaskList | None) -> Para:
    if tasks is None:
        return para(("TASKS    ", "accent"), ("not measured yet", "dim"))
    if not tasks.tasks:
        return para(("TASKS    ", "accent"), ("none yet", "dim"))
    cells: list[Cell] = [("TASKS    ", "accent")]
    for one in tasks.tasks[:3]:
        cells += [f"{one.id} {one.goal[:30]} ", WORDS[one.state], "  "]
    return para(*cells, hang="         ")


def faults(status: Status | None, fleet: Fleet | None, now: float) -> tuple[Para, ...]:
    """Return each source that does not answer well: what was tried and what would mend it."""
    found: dict[str, Source] = {source.name: source for source in status.sources} if status else {}
    if fleet is not None:
        # the fleet's own word is newer than the status
        found |= {source.name: source for source in (fleet.source, *(host.source for host in fleet.hosts))}
    return tuple(
        para((source_line(source, now), "bad"), hang="  ")
        for source in found.values()
        if source.state is not SourceState.OK
        and not (source.name in NORMAL_ABSENCE and source.state is SourceState.ABSENT)
        and source.name != "model"  # the model has a line of its own
    )


def feed(found: Sequence[Activity], audit: AuditPage | None, now: float) -> tuple[Para, ...]:
    """Return what happened, newest first: what this console heard, and the newest records of the audit.

    Commands inside containers are left out: probes run some each half minute. The Events tab of a container has them.
    """
    heard = [one for one in found if one.action != "exec"]
    events = [(one.at, one.who, one.text) for one in heard[:100]]
    events += [(one.at, one.actor, _told(one)) for one in audit.records if one.phase in TOLD] if audit else []
    if not events:
        return (para(("Nothing has happened since this console was started.", "dim")),)
    events.sort(key=lambda event: -event[0])
    return tuple(
        para((f"{day_clock(at, now)} {who:<14} ", "dim"), text, hang=" " * 24) for at, who, text in events[:100]
    )


def _told(one: AuditRecord) -> str:
    said = one.outcome or one.decision or one.reason
    about = one.object or ("" if one.approval_id is None else f"approval {one.approval_id}")
    return f"{one.kind} {about}".strip() + (f": {said}" if said else "")
