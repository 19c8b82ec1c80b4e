"""``workflow list|show|check|run|runs|rerun|stop``: files of steps, each with an effect before the one gate."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aistack_backend.wire.flows import FlowCheck, FlowRequest, FlowRun, Workflow
from aistack_console.client.api import Client
from aistack_console.present import flows
from aistack_console.text import plain
from aistack_console.verbs import waiting
from aistack_console.verbs.context import Context, VerbError, columns, fields
from aistack_console.verbs.exits import Exit


def run(context: Context) -> Exit:
    """Do what the second word says."""
    doing = {
        "list": _list,
        "show": _show,
        "check": _check,
        "run": _run,
        "runs": _runs,
        "rerun": _rerun,
        "stop": _stop,
    }
    return doing[context.arguments.what](context)


def _list(context: Context) -> Exit:
    found = context.with_backend(lambda client: client.workflows())

    def words() -> str:
        table = columns(flows.LIST_TITLES, [flows.flow_row(one) for one in found.workflows])
        engines = fields([(f"engine {one.name}", f"{one.about}. {one.detail}") for one in found.engines])
        return f"{table}\n\n{engines}\nyour own files go to {plain(found.folder)}"

    context.show(found, words)
    return Exit.FAILED if any(one.fault for one in found.workflows) else Exit.OK


def _show(context: Context) -> Exit:
    name = _name(context, "workflow")
    found = context.with_backend(lambda client: client.workflow(name))
    context.show(found, lambda: _described(found))
    return Exit.FAILED if found.fault else Exit.OK


def _described(one: Workflow) -> str:
    head = fields(
        [
            (one.name, one.title),
            ("about", one.about),
            ("file", one.file),
            ("fault", one.fault),
            ("engines", " ".join(one.engines)),
            ("gives", " ".join(one.outputs)),
        ]
    )
    inputs = [
        (each.name, each.type, "needed" if each.needed else each.default or '""', each.about) for each in one.inputs
    ]
    steps = [
        (f"  {each.id}" if each.group else each.id, each.what, " ".join(each.needs))
        for each in flows.ordered(one.steps)
    ]
    parts = [head]
    parts += [columns(("INPUT", "TYPE", "DEFAULT", "ABOUT"), inputs)] if inputs else []
    parts += [columns(("STEP", "DOES", "AFTER"), steps)] if steps else []
    return "\n\n".join(parts)


def _check(context: Context) -> Exit:
    file = _name(context, "file")
    path = Path(file).expanduser()
    request = FlowCheck(text=_text(path), name=path.stem, file=file)
    found = context.with_backend(lambda client: client.check_workflow(request))

    def words() -> str:
        lines = [f"{one.text} {one.hint}".rstrip() for one in found.faults]
        return plain("\n".join(lines) or f"{file}: it can be run.")

    context.show(found, words)
    return Exit.FAILED if found.faults else Exit.OK


def _run(context: Context) -> Exit:
    context.mutate("workflow run")
    name, chosen = _name(context, "workflow"), context.arguments
    request = FlowRequest(workflow=name, inputs=dict(map(_input, chosen.input)), engines=tuple(chosen.engine))
    return _follow(context, lambda client: client.run_workflow(request))


def _rerun(context: Context) -> Exit:
    context.mutate("workflow rerun")
    number, step = _number(context), context.arguments.step
    if not step:
        raise VerbError(Exit.USAGE, "No step is named to begin at.", f"workflow runs {number} names them.")
    return _follow(context, lambda client: client.rerun_workflow(number, step))


def _follow(context: Context, begin: Callable[[Client], Awaitable[FlowRun]]) -> Exit:
    chosen = context.arguments

    async def job(client: Client) -> FlowRun:
        run = await begin(client)
        if chosen.no_wait:
            return run
        return await waiting.until_run(client, run, chosen.timeout, for_person=not chosen.until_done)

    found = context.with_backend(job)
    context.show(found, lambda: shown(found))
    return waiting.verdict(found.task)


def _runs(context: Context) -> Exit:
    if not context.arguments.name:
        every = context.with_backend(lambda client: client.flow_runs())
        context.show(every, lambda: columns(flows.RUN_TITLES, [flows.run_row(one) for one in every.runs]))
        return Exit.OK
    number = _number(context)
    found = context.with_backend(lambda client: client.flow_run(number))
    context.show(found, lambda: shown(found))
    return Exit.OK


def _stop(context: Context) -> Exit:
    context.mutate("workflow stop")
    number = _number(context)

    async def job(client: Client) -> FlowRun:
        await client.flow_run(number)
        await client.stop_task(number)
        return await client.flow_run(number)

    found = context.with_backend(job)
    context.show(found, lambda: shown(found))
    return Exit.OK


def shown(run: FlowRun) -> str:
    """Return one run for a person: its state, its steps, and what it gave."""
    rerun = f"run {run.rerun_of} from step {run.from_step}" if run.rerun_of else ""
    state = "NEEDS YOU" if flows.asking(run) else run.task.state.value.upper()
    head = fields(
        [
            (f"run {run.task.id}", f"workflow {run.workflow}"),
            ("state", state),
            ("why", run.task.reason),
            ("again", rerun),
            *((f"input {one.name}", one.value) for one in run.inputs),
        ]
    )
    now = time.time()
    steps = columns(flows.STEP_TITLES, [flows.step_row(one, now) for one in flows.ordered(run.steps)])
    decide = [
        f"decide step {one.id}: aistack-console approve {one.approval_id}   or: deny {one.approval_id} --reason WHY"
        for one in flows.asking(run)
    ]
    given = [f"{one.name}:\n{plain(one.value)}" for one in run.outputs]
    return "\n\n".join(filter(None, (head, steps, "\n".join(decide), *given)))


def _name(context: Context, what: str) -> str:
    name: str = context.arguments.name
    if not name:
        raise VerbError(Exit.USAGE, f"No {what} is named.", "workflow list names them." if what == "workflow" else "")
    return name


def _number(context: Context) -> int:
    name = context.arguments.name
    if not name.isdigit():
        raise VerbError(Exit.USAGE, "No run is named.", "Give its number; workflow runs lists them.")
    return int(name)


def _input(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise VerbError(Exit.USAGE, f"{text!r} is no input.", "Write NAME=VALUE, NAME=@FILE or NAME=@-.")
    if value == "@-":
        return name, sys.stdin.read()
    return name, _text(Path(value[1:]).expanduser()) if value.startswith("@") else value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise VerbError(Exit.USAGE, f"{path} cannot be read: {said}.", "Name a text file.") from error
