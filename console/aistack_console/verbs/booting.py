"""Follow one boot to its end: what got ready is told as it happens, what failed with its last log lines."""

from __future__ import annotations

import asyncio
import sys

from aistack_backend.wire.boot import Boot, BootRow, BootState, Stage, StepKind
from aistack_backend.wire.tasks import Task
from aistack_console.client.api import Client
from aistack_console.present.units import span
from aistack_console.text import plain
from aistack_console.verbs import waiting
from aistack_console.verbs.context import VerbError, warn
from aistack_console.verbs.exits import Exit

STEP = 0.25
"""Seconds between two looks."""
UP = frozenset({Stage.READY, Stage.UNCHANGED})
"""Stages of a service that is ready."""
DOWN = frozenset({StepKind.STOP, StepKind.REMOVE})
"""Steps after which a service is to be gone."""


async def follow(client: Client, task: Task, seconds: float, quiet: bool) -> tuple[Task, Boot | None]:
    """Look until task and boot have ended; ``quiet`` tells nothing on the way.

    Raises:
        VerbError: they did not end within ``seconds``; the boot goes on.
    """
    told: dict[str, Stage] = {}
    try:
        async with asyncio.timeout(seconds):
            while True:
                boot = next((one for one in (await client.boots()).boots if one.id == task.id), None)
                if boot is not None and not quiet:
                    _tell(boot, told)
                if waiting.ended(task) and (boot is None or boot.state is not BootState.RUNNING):
                    return task, boot
                await asyncio.sleep(STEP)
                task = await client.task(task.id)
    except TimeoutError:
        sentence = f"Task {task.id} is {task.state.value} after {seconds:g} s; it goes on."
        raise VerbError(Exit.TIMEOUT, sentence, f"See aistack-console boots {task.id}.") from None


def _tell(boot: Boot, told: dict[str, Stage]) -> None:
    for row in boot.rows:
        if row.stage is not told.get(row.service) and row.stage in {*UP, Stage.STOPPED, Stage.FAILED}:
            took = row.marks[-1].at - boot.began_at if row.marks else None
            warn(f"{row.service} {row.stage.value}" + (f" after {span(took)}" if took is not None else ""))
        told[row.service] = row.stage


def reached(row: BootRow) -> bool:
    """Say whether a service is where the boot was to bring it: ready, or gone."""
    return row.stage is Stage.STOPPED if row.step in DOWN else row.stage in UP


def verdict(task: Task, boot: Boot | None) -> Exit:
    """Return OK only when the task is done and every service of the goal is where it was to be."""
    asked = waiting.verdict(task)
    if asked is not Exit.OK or not waiting.ended(task):
        return asked if waiting.ended(task) else Exit.FAILED
    good = boot is None or (boot.state is BootState.DONE and all(map(reached, boot.rows)))
    return Exit.OK if good else Exit.FAILED


def failures(boot: Boot) -> str:
    """Return one line for each service that is not where it was to be, each followed by its last log lines."""
    lines = []
    for row in boot.rows:
        if not reached(row):
            waits = f" waits for {', '.join(row.waits_for)}" if row.waits_for else ""
            lines.append(f"{row.service}: {row.stage.value}{waits}. {row.detail}".rstrip(" ."))
            lines += [f"    {line}" for line in row.log_tail]
    return "\n".join(lines)


def tell_failures(boot: Boot | None) -> None:
    """Print the failures of a boot beside the output."""
    if boot is not None and (said := failures(boot)):
        print(plain(said), file=sys.stderr, flush=True)
